import { Type, type TSchema } from 'typebox'
import { grammars } from '../../../config/grammar.ts'

// What requests and answers are made of, under the names that the OpenAPI document gives them. Loaded only where that
// document is generated; everybody else takes the types.

export const closed = { additionalProperties: false } as const
/** With one list of types where there is one, so that a wrong value has one fault and not one for each branch. */
function Nullable<T extends TSchema> (schema: T) {
  const { type } = schema as { type?: string }
  return Type.Unsafe<Type.Static<T> | null>(type === undefined || 'enum' in schema ? { anyOf: [schema, { type: 'null' }] } : { ...schema, type: [type, 'null'] })
}
const anything = (options = {}) => Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, ...options })
export const id = (description: string, options: { example?: number } = {}) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, ...options })
export const time = (description: string) => Type.String({ format: 'date-time', description })
const nullableTime = (description: string) => Nullable(time(description))

/** A reference, so that the document says each thing once; the type is the thing's own. */
export function Ref<T extends TSchema> (name: string, _schema: T) {
  return Type.Unsafe<Type.Static<T>>({ $ref: `#/components/schemas/${name}` })
}

export const scope = Type.String({ pattern: '^(\\*|[a-z0-9._-]+(:[a-z0-9._-]+)*(:\\*)?)$', maxLength: 255, description: 'inventory:read, inventory:* (all below) or * (all).' })
export const scopes = (description: string) => Type.Array(scope, { maxItems: 200, description })
export const duration = (description: string) => Type.String({ pattern: grammars.duration.pattern, description })
export const userId = Type.String({ minLength: 3, maxLength: 320, description: 'Whose key it is: the UUID or the email of a user. Where Latchkey made auth.users itself, an unknown user is added.' })
const metadata = anything({ description: 'What your own programs keep beside the key: an object of at most 16 KiB as JSON. The gateway makes no use of it.' })
const description = Type.String({ maxLength: 10_000, description: 'More about it.' })
const name = Type.String({ minLength: 1, maxLength: 255, description: 'What the key is for.' })

export const EarlierSecret = Type.Object({
  id: Type.Integer(),
  prefix: Type.String({ description: 'What may be shown of it.' }),
  rotatedAt: time('When it was replaced.'),
  expiresAt: time('Until when it works.'),
  lastUsedAt: nullableTime('When it was last used since it was replaced; null: not since. A few seconds behind.'),
  lastUserAgent: Nullable(Type.String({ description: 'What used it.' })),
}, { description: 'A secret that a rotation replaced and that still works.' })

export const ApiKey = Type.Object({
  id: Type.Integer(),
  userId: Type.String({ description: 'UUID of its user.' }),
  userEmail: Nullable(Type.String({ description: "Its user's; null: none, or not for this gateway to read." })),
  prefix: Type.String({ description: 'What may be shown of the key.' }),
  name: Type.String(),
  description: Nullable(Type.String()),
  scopes: Type.Array(Type.String()),
  environment: Nullable(Type.String()),
  status: Type.Enum(['active', 'disabled', 'revoked', 'expired'], { type: 'string' }),
  metadata: anything(),
  expiresAt: nullableTime('null: never.'),
  lastUsedAt: nullableTime('null: not yet. At most a minute behind.'),
  createdAt: nullableTime('null: not known.'),
  revokedAt: nullableTime('null: not revoked.'),
  earlierSecrets: Type.Array(Ref('EarlierSecret', EarlierSecret), { description: 'The latest first.' }),
}, { description: 'A key: never the key itself, nor its hash.' })

export const KeyWithSecret = Type.Object({
  key: Type.String({ description: 'The key itself. It is shown this once.' }),
  apiKey: Ref('ApiKey', ApiKey),
})

export const NewKey = Type.Object({
  userId,
  name,
  scopes: scopes('What it may do.'),
  description: Type.Optional(Nullable(description)),
  environment: Type.Optional(Type.String({ description: 'One that the configuration admits; left out: the first.' })),
  expiresAt: Type.Optional(nullableTime('Until when it lasts; left out or null: for ever.')),
  expiresIn: Type.Optional(duration('How long it lasts from now, in place of expiresAt: 30m, 12h, 90d.')),
  metadata: Type.Optional(metadata),
}, closed)

export const KeyChanges = Type.Object({
  name: Type.Optional(name),
  description: Type.Optional(Nullable(description)),
  scopes: Type.Optional(scopes('In place of all that it has.')),
  expiresAt: Type.Optional(nullableTime('null: it lasts for ever.')),
  expiresIn: Type.Optional(duration('How long it lasts from now, in place of expiresAt.')),
  metadata: Type.Optional(metadata),
}, { ...closed, minProperties: 1, description: 'What is left out stays as it is.' })

export const page = <T extends TSchema>(item: T) => Type.Object({
  data: Type.Array(item),
  nextCursor: Nullable(Type.String({ description: 'Pass it as cursor for the next page; null: this is the last.' })),
})
export const KeyPage = page(Ref('ApiKey', ApiKey))

const count = (description: string) => Type.Number({ description })
const numbers = {
  requests: count('Requests made with a proven key, refused ones included.'),
  errors: count('Of them, with a status of 400 or above.'),
  serverErrors: count('Of the errors, with a status of 500 or above.'),
  requestBytes: count("Bytes of the requests' bodies."),
  responseBytes: count("Bytes of the responses' bodies."),
  latencyMs: Nullable(Type.Object({ average: Type.Number(), p50: Type.Number(), p95: Type.Number(), p99: Type.Number() }, { description: 'Milliseconds.' })),
}
export const Numbers = Type.Object(numbers)
export const Bucket = Type.Object({ start: time('When it begins.'), ...numbers })
const period = { from: time('Rounded down to a whole hour.'), to: time('Not included; rounded up to a whole hour.') }
const bucket = Type.Enum(['hour', 'day'], { type: 'string' })
const keyLabel = { key: Type.Integer(), prefix: Nullable(Type.String()), name: Nullable(Type.String()) }

export const KeyUsage = Type.Object({ ...period, bucket, data: Type.Array(Ref('Bucket', Bucket)), totals: Ref('Numbers', Numbers) })
export const UsageSummary = Type.Object({
  ...period,
  bucket,
  data: Type.Array(Ref('Bucket', Bucket)),
  totals: Ref('Numbers', Numbers),
  keys: Type.Array(Type.Object({ ...keyLabel, ...numbers }), { description: 'Most requests first.' }),
  routes: Type.Array(Type.Object({ route: Type.String({ description: 'Empty where no route is known.' }), ...numbers }), { description: 'Most requests first.' }),
  errors: Type.Array(Type.Object({ ...keyLabel, route: Type.String(), status: Type.Integer(), requests: Type.Number(), lastHour: time('The last hour in which it happened.') }), { description: 'The commonest first.' }),
  refusals: Type.Array(Type.Object({ reason: Type.String({ description: 'The code that clients got.' }), requests: Type.Number() }), { description: 'All requests that this gateway refused for their key since it was started, those without a known key included, whatever the period.' }),
})

const rule = Type.Object({ allOf: Type.Array(Type.String()), anyOf: Type.Array(Type.String()) })
const auth = Type.Enum(['key', 'none', 'report'], { type: 'string' })
export const RoutesInForce = Type.Object({
  data: Type.Array(Type.Object({
    id: Type.String(),
    path: Type.String(),
    methods: Nullable(Type.Array(Type.String(), { description: 'null: every method.' })),
    host: Nullable(Type.String()),
    upstream: Type.String(),
    targets: Type.Array(Type.String()),
    auth,
    scopes: rule,
  })),
  scopes: Type.Array(Type.Object({ scope: Type.String(), routes: Type.Array(Type.String(), { description: 'Ids of the routes that name it.' }) }), { description: 'All scopes that routes name.' }),
})

export const Question = Type.Object({
  method: Type.String({ pattern: '^[A-Za-z][A-Za-z-]{0,19}$' }),
  path: Type.String({ pattern: '^/', maxLength: 8_192, description: 'As a client sends it.' }),
  host: Type.Optional(Type.String({ maxLength: 255 })),
  scopes: Type.Optional(Nullable(Type.Array(scope, { maxItems: 200, description: 'What a valid key holds; null or left out, without keyId: the request comes without a key.' }))),
  keyId: Type.Optional(id('Scopes and state of this key.')),
}, closed)
export const Verdict = Type.Object({
  status: Nullable(Type.Integer({ description: "The gateway's own refusal; null: forwarded, and the upstream decides." })),
  code: Nullable(Type.String()),
  reason: Type.String(),
  allow: Nullable(Type.String()),
  routeId: Nullable(Type.String()),
  auth: Nullable(auth),
  requiredScopes: Nullable(rule),
  upstream: Nullable(Type.String()),
  forwardedPath: Nullable(Type.String()),
  reportedCode: Nullable(Type.String()),
  key: Nullable(Ref('ApiKey', ApiKey)),
})

export const auditActions = [
  'key.created', 'key.updated', 'key.disabled', 'key.enabled', 'key.revoked', 'key.rotated', 'key.grace_changed', 'key.grace_ended', 'key.deleted', 'keys.truncated',
  'token.created', 'token.updated', 'token.revoked', 'token.deleted',
]
export const AuditEntry = Type.Object({
  id: Type.String(),
  at: time('When the change was made.'),
  action: Type.Enum(auditActions, { type: 'string' }),
  keyId: Nullable(Type.Integer()),
  keyPrefix: Nullable(Type.String()),
  keyName: Nullable(Type.String()),
  actor: Type.Object({
    kind: Type.Enum(['token', 'command', 'database'], { type: 'string' }),
    name: Type.String({ description: 'Of the token, of the command line\'s user, or of the database role.' }),
  }),
  databaseRole: Type.String({ description: 'The role that made the change, which nobody can claim.' }),
  address: Nullable(Type.String()),
  requestId: Nullable(Type.String()),
  before: Nullable(anything({ description: 'Of a change, what is different.' })),
  after: Nullable(anything()),
})
export const AuditPage = page(Ref('AuditEntry', AuditEntry))

export const ImportRow = Type.Object({
  userId,
  name,
  scopes: Type.Array(Type.String(), { maxItems: 200 }),
  keyHash: Type.String({ description: 'bcrypt, $2a$, $2b$ or $2y$, at a cost of 4 to 12.' }),
  keyPrefix: Type.String({ description: 'How the key begins, at most 20 characters: by it the row is found at the first use.' }),
  description: Type.Optional(Nullable(Type.String())),
  environment: Type.Optional(Nullable(Type.String())),
  isActive: Type.Optional(Type.Boolean()),
  expiresAt: Type.Optional(Nullable(Type.String())),
  createdAt: Type.Optional(Nullable(Type.String())),
  lastUsedAt: Type.Optional(Nullable(Type.String())),
  revokedAt: Type.Optional(Nullable(Type.String())),
  metadata: Type.Optional(metadata),
})
export const Import = Type.Object({
  rows: Type.Array(Type.Unsafe<unknown>({ $ref: '#/components/schemas/ImportRow' }), { maxItems: 100_000 }),
  skipFaulty: Type.Optional(Type.Boolean({ description: 'Import the rows without a fault. Otherwise one fault keeps all of them out.' })),
  dryRun: Type.Optional(Type.Boolean({ description: 'Check everything, and import nothing.' })),
}, closed)
const importFaults = Type.Array(Type.Object({ line: Type.Integer(), field: Type.String(), detail: Type.String() }), { description: 'What is wrong with which row: of an import.' })
const moreFaults = Type.Integer({ description: 'How many there are beyond the thousand that are listed.' })
const warnings = Type.Array(Type.String())
export const ImportResult = Type.Object({
  imported: Type.Integer(),
  skipped: Type.Integer(),
  dryRun: Type.Boolean(),
  faults: importFaults,
  moreFaults,
  warnings,
})

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String({ description: 'Branch on this: it never changes.' }),
  requestId: Type.String({ description: "Finds the cause in the gateway's log." }),
  errors: Type.Optional(Type.Array(Type.Object({ field: Type.String({ description: 'scopes.0; empty: the whole.' }), detail: Type.String() }), { description: 'Of bad_request: what is wrong with which field.' })),
  faults: Type.Optional(importFaults),
  moreFaults: Type.Optional(moreFaults),
  warnings: Type.Optional(warnings),
}, { description: 'RFC 9457.' })

export const Token = Type.Object({ name: Type.String(), rights: Type.Enum(['read', 'write'], { type: 'string' }) })
export const GatewayFacts = Type.Object({
  version: Type.String(),
  gatewayUrl: Type.String({ description: 'As this machine reaches it.' }),
  keyHeader: Type.String(),
  brand: Type.String(),
  environments: Type.Array(Type.String()),
  usageStore: Type.Enum(['postgres', 'none'], { type: 'string' }),
  isReady: Type.Boolean(),
})

export const components = {
  ApiKey, EarlierSecret, KeyWithSecret, NewKey, KeyChanges, KeyPage, Numbers, Bucket, KeyUsage, UsageSummary, RoutesInForce, Question, Verdict, AuditEntry, AuditPage, ImportRow, Import, ImportResult, Problem, Token, GatewayFacts,
}
