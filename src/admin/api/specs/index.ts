import { Type, type TSchema } from 'typebox'
import type { ProblemCode } from '../../../errors.ts'
import * as is from './components.ts'

/** One operation, as the OpenAPI document tells it and as requests are checked. */
export interface Spec {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** OpenAPI's: `/v1/keys/{id}`. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly tag: 'Keys' | 'Usage' | 'Gateway'
  readonly rights: 'read' | 'write'
  readonly params?: TSchema
  readonly query?: TSchema
  readonly headers?: TSchema
  readonly body?: TSchema
  /** Of the body. */
  readonly example?: object
  /** Left out: JSON, as `body` has it. Others come to the handler as text. */
  readonly textBodies?: readonly string[]
  readonly isBodyOptional?: boolean
  readonly bodyBytesMax?: number
  readonly status: number
  readonly answer: string
  /** Left out: none. */
  readonly schema?: TSchema
  /** Of an answer that isn't JSON. */
  readonly types?: readonly string[]
  readonly hasETag?: boolean
  /** Beside those of every operation. */
  readonly problems?: readonly ProblemCode[]
}

const Ref = is.Ref
const ApiKey = Ref('ApiKey', is.ApiKey)
const keyId = Type.Object({ id: is.id("The key's id.", { example: 1 }) })
const idempotent = Type.Object({ 'idempotency-key': Type.Optional(Type.String({ pattern: '^[!-~]{1,255}$', description: 'A word of your choice, such as a UUID. A request that is sent again with it, within a day, by the same token, gets the first one\'s answer, and changes nothing.' })) })
const conditional = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 255, description: 'The ETag of the key as you know it: 412 where it has been changed since.' })) })
const limit = (most: number, byDefault: number) => Type.Optional(Type.Integer({ minimum: 1, maximum: most, default: byDefault }))
const cursor = Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'nextCursor of the page before.' }))
const period = {
  from: Type.Optional(is.time('Left out: a day before to.')),
  to: Type.Optional(is.time('Left out: now.')),
}
const change = { method: 'post', tag: 'Keys', rights: 'write', params: keyId, status: 200, answer: 'The key as it is now.', schema: ApiKey, hasETag: true } as const

export const specs = {
  getToken: { method: 'get', path: '/v1/token', tag: 'Gateway', rights: 'read', summary: 'Whose token this is', status: 200, answer: 'Its name and rights.', schema: Ref('Token', is.Token) },
  getGateway: { method: 'get', path: '/v1/gateway', tag: 'Gateway', rights: 'read', summary: 'What this gateway is', status: 200, answer: 'What whoever makes keys for it needs to know.', schema: Ref('GatewayFacts', is.GatewayFacts) },
  createKey: {
    method: 'post',
    path: '/v1/keys',
    tag: 'Keys',
    rights: 'write',
    summary: 'Make a key',
    description: 'The answer has the key itself, this once: only its hash is kept.',
    headers: idempotent,
    body: Ref('NewKey', is.NewKey),
    example: { userId: 'ada@example.com', name: 'Nightly reports', scopes: ['inventory:read'], expiresIn: '90d' },
    status: 201,
    answer: 'Made.',
    schema: Ref('KeyWithSecret', is.KeyWithSecret),
    hasETag: true,
    problems: ['idempotency_key_reused', 'overloaded'],
  },
  listKeys: {
    method: 'get',
    path: '/v1/keys',
    tag: 'Keys',
    rights: 'read',
    summary: 'List keys',
    description: 'The newest first. All filters that are given must hold.',
    query: Type.Object({
      userId: Type.Optional(Type.String({ maxLength: 320, description: 'UUID or email of a user.' })),
      prefix: Type.Optional(Type.String({ maxLength: 72, description: 'The prefix, or how it begins.' })),
      scope: Type.Optional(Type.String({ maxLength: 255, description: 'Held literally: inventory:read does not find the holders of inventory:*.' })),
      status: Type.Optional(Type.Enum(['active', 'disabled', 'revoked', 'expired'], { type: 'string', example: 'active' })),
      search: Type.Optional(Type.String({ maxLength: 255, description: "Part of a name or of the user's email, the beginning of a prefix or of a user's UUID; in any case." })),
      limit: limit(500, 50),
      cursor,
    }, is.closed),
    status: 200,
    answer: 'A page of keys.',
    schema: Ref('KeyPage', is.KeyPage),
  },
  getKey: { method: 'get', path: '/v1/keys/{id}', tag: 'Keys', rights: 'read', summary: 'One key', params: keyId, status: 200, answer: 'The key.', schema: ApiKey, hasETag: true, problems: ['key_not_found'] },
  updateKey: { ...change, method: 'patch', path: '/v1/keys/{id}', summary: 'Change a key', headers: conditional, body: Ref('KeyChanges', is.KeyChanges), example: { name: 'Weekly reports', scopes: ['inventory:read', 'tickets:*'] }, problems: ['key_not_found', 'precondition_failed'] },
  deleteKey: { method: 'delete', path: '/v1/keys/{id}', tag: 'Keys', rights: 'write', summary: 'Delete a key and all record of its use', description: 'To end a key and keep the record, revoke it.', params: keyId, headers: conditional, status: 204, answer: 'Gone.', problems: ['key_not_found', 'precondition_failed'] },
  disableKey: { ...change, path: '/v1/keys/{id}/disable', summary: 'Refuse a key until it is enabled again', problems: ['key_not_found'] },
  enableKey: { ...change, path: '/v1/keys/{id}/enable', summary: 'Let a disabled key in again', problems: ['key_not_found', 'key_is_revoked'] },
  revokeKey: { ...change, path: '/v1/keys/{id}/revoke', summary: 'End a key for good', problems: ['key_not_found'] },
  rotateKey: {
    ...change,
    path: '/v1/keys/{id}/rotate',
    summary: 'Give a key a new secret',
    description: 'Id, scopes and history stay. The old secret works until its grace ends, and never past the key\'s own expiry; answers to it carry Deprecation and Sunset.',
    headers: idempotent,
    body: Type.Object({ gracePeriod: Type.Optional(is.duration('How long the old secret still works: 0s to 90d. Left out: 24h. With 0s no secret but the new one works any more.')) }, is.closed),
    example: { gracePeriod: '24h' },
    isBodyOptional: true,
    answer: 'The new key itself, this once.',
    schema: Ref('KeyWithSecret', is.KeyWithSecret),
    problems: ['key_not_found', 'key_is_revoked', 'key_has_expired', 'idempotency_key_reused', 'overloaded'],
  },
  endGrace: {
    ...change,
    path: '/v1/keys/{id}/end-grace',
    summary: 'End the grace of earlier secrets now',
    body: Type.Object({ earlierSecretId: Type.Optional(is.id('Of one secret only; left out: of all.')) }, is.closed),
    isBodyOptional: true,
    problems: ['key_not_found'],
  },
  importKeys: {
    method: 'post',
    path: '/v1/keys/import',
    tag: 'Keys',
    rights: 'write',
    summary: 'Import keys whose bcrypt hashes were made elsewhere',
    description: 'All rows, or none where one has a fault, unless skipFaulty is set. Their first use finds them by prefix and bcrypt, and gives them a digest. At most 16 MiB and 100,000 rows: import larger files by `latchkey keys import`.',
    query: Type.Object({
      skipFaulty: Type.Optional(Type.Boolean({ description: 'For CSV and NDJSON.' })),
      dryRun: Type.Optional(Type.Boolean({ description: 'For CSV and NDJSON.' })),
    }, is.closed),
    body: Ref('Import', is.Import),
    example: { dryRun: true, rows: [{ userId: 'ada@example.com', name: 'From the old gateway', scopes: ['inventory:read'], keyHash: '$2b$10$abcdefghijklmnopqrstuuMg62uO5OmXe2rIRAbA0lvGgy8yNpPPm', keyPrefix: 'old_1a2B3c4D' }] },
    textBodies: ['text/csv', 'application/x-ndjson'],
    bodyBytesMax: 16_777_216,
    status: 200,
    answer: 'What was imported.',
    schema: Ref('ImportResult', is.ImportResult),
    problems: ['rows_refused'],
  },
  getKeyUsage: {
    method: 'get',
    path: '/v1/keys/{id}/usage',
    tag: 'Usage',
    rights: 'read',
    summary: "A key's requests over time",
    params: keyId,
    query: Type.Object({ ...period, bucket: Type.Optional(Type.Enum(['hour', 'day'], { type: 'string', description: 'Left out: hour for up to two days, else day.' })) }, is.closed),
    status: 200,
    answer: 'A bucket for each hour or day, the first first.',
    schema: Ref('KeyUsage', is.KeyUsage),
    problems: ['key_not_found', 'usage_not_recorded', 'report_timeout'],
  },
  getUsageSummary: {
    method: 'get',
    path: '/v1/usage/summary',
    tag: 'Usage',
    rights: 'read',
    summary: 'Traffic, top keys and routes, errors and refusals',
    query: Type.Object({ ...period, limit: limit(50, 10) }, is.closed),
    status: 200,
    answer: 'The summary.',
    schema: Ref('UsageSummary', is.UsageSummary),
    problems: ['usage_not_recorded', 'report_timeout'],
  },
  exportUsage: {
    method: 'get',
    path: '/v1/usage/export',
    tag: 'Usage',
    rights: 'read',
    summary: 'Every request, streamed',
    description: 'In the order of their arrival. Where an export ended, the next goes on with afterId; the header x-latchkey-settled-id says up to which row this one can go.',
    query: Type.Object({
      format: Type.Optional(Type.Enum(['ndjson', 'csv'], { type: 'string', default: 'ndjson', example: 'csv' })),
      from: Type.Optional(is.time('Requests that began then or later.')),
      until: Type.Optional(is.time('And before this.')),
      keyId: Type.Optional(is.id("A key's id.")),
      userId: Type.Optional(Type.String({ format: 'uuid', description: 'UUID of a user.' })),
      route: Type.Optional(Type.String({ maxLength: 255, description: 'Id of a route.' })),
      status: Type.Optional(Type.String({ pattern: '^[1-5](xx|[0-9]{2})$', description: '404, or 5xx.' })),
      afterId: Type.Optional(is.id('Id of the last row that you have.')),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    }, is.closed),
    status: 200,
    answer: 'The rows.',
    types: ['application/x-ndjson', 'text/csv'],
    problems: ['usage_not_recorded'],
  },
  listRoutes: { method: 'get', path: '/v1/routes', tag: 'Gateway', rights: 'read', summary: 'The routes in force', status: 200, answer: 'Routes, and the scopes that they name.', schema: Ref('RoutesInForce', is.RoutesInForce) },
  explain: { method: 'post', path: '/v1/explain', tag: 'Gateway', rights: 'read', summary: 'What the gateway would do to a request, and why', description: 'Nothing is sent.', body: Ref('Question', is.Question), example: { method: 'GET', path: '/inventory/42', scopes: ['inventory:read'] }, status: 200, answer: 'The verdict.', schema: Ref('Verdict', is.Verdict), problems: ['key_not_found'] },
  listAudit: {
    method: 'get',
    path: '/v1/audit',
    tag: 'Keys',
    rights: 'read',
    summary: 'Who changed what',
    description: 'The latest first.',
    query: Type.Object({
      keyId: Type.Optional(is.id("A key's id.")),
      action: Type.Optional(Type.Enum(is.auditActions, { type: 'string' })),
      actor: Type.Optional(Type.String({ maxLength: 255, description: 'Its name.' })),
      from: Type.Optional(is.time('Changes made then or later.')),
      to: Type.Optional(is.time('And before this.')),
      limit: limit(500, 50),
      cursor,
    }, is.closed),
    status: 200,
    answer: 'A page of the log.',
    schema: Ref('AuditPage', is.AuditPage),
  },
} as const satisfies Record<string, Spec>

export type Specs = typeof specs
export type OperationId = keyof Specs
export { components } from './components.ts'
