import { Type } from 'typebox'
import type { Grammar } from './grammar.ts'
import { grammars } from './grammar.ts'

const closed = { additionalProperties: false }

const duration = (byDefault: string, description: string) => Type.Optional(text(grammars.duration, description, { default: byDefault }))
const port = (byDefault: number, description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, default: byDefault, description }))
const count = (byDefault: number, maximum: number, description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum, default: byDefault, description }))
const section = { ...closed, default: {} }

const scopes = (description: string, minItems = 1) => Type.Array(text(grammars.scope, 'A scope, such as inventory:read.'), { minItems, uniqueItems: true, description })

const gateway = Type.Object({
  host: Type.Optional(Type.String({ default: '0.0.0.0', description: 'Address that clients connect to. LATCHKEY_HOST overrides it.' })),
  port: port(8080, 'Port that clients connect to; 0 lets the system pick. LATCHKEY_PORT overrides it.'),
  workers: Type.Optional(Type.Unsafe<number | 'auto'>({
    type: ['integer', 'string'], minimum: 1, maximum: 64, pattern: grammars.workers.pattern, default: 1, description: 'Processes that share the port and the work; auto: one for each core that this process may use.',
  })),
  trustProxy: Type.Optional(Type.Array(text(grammars.cidr, 'An address range: 10.0.0.0/8, 2001:db8::/32, or one address.'), {
    uniqueItems: true, default: [], description: 'Proxies in front of the gateway, whose X-Forwarded-For, -Proto and -Host are believed.',
  })),
  bodyBytesMax: Type.Optional(text(grammars.size, 'Largest request body; a route can have its own.', { default: '10MiB' })),
  headersTimeout: duration('15s', "Longest wait for a request's head."),
  bodyTimeout: duration('60s', "Longest pause between two pieces of a request's body."),
  sendTimeout: duration('60s', 'Longest pause of a client that takes nothing of its response.'),
  keepAliveTimeout: duration('65s', 'How long an idle connection is kept. Longer than the load balancer in front keeps its own.'),
  connectionsMax: count(20_000, 1_000_000, 'Connections of all clients.'),
  connectionsPerAddressMax: count(5_000, 1_000_000, 'Connections of one address (IPv6: of a /64). Those of trustProxy are not counted.'),
  failureBudget: Type.Optional(Type.Object({
    failures: count(100, 1_000_000, 'Invalid keys that an address (IPv6: a /64) may send in a period.'),
    per: duration('1m', 'The period.'),
  }, { ...section, description: 'Beyond it, invalid keys of that address get 429, and keys never seen before have to queue. Keys already known go on.' })),
  eventLoopDelayMax: duration('500ms', 'Requests whose key is not known yet are refused with 503 while the process lags by more than this.'),
  engine: Type.Optional(Type.Enum(['direct', 'http-proxy'], { type: 'string', default: 'direct', description: 'What carries requests to their upstreams: Latchkey\'s own client, or @fastify/http-proxy, the reference.' })),
}, { ...section, description: "The clients' listener." })

const admin = Type.Object({
  host: Type.Optional(Type.String({ default: '127.0.0.1', description: 'Address of the admin listener. LATCHKEY_ADMIN_HOST overrides it.' })),
  port: port(8081, 'Port of the admin listener; 0 lets the system pick. LATCHKEY_ADMIN_PORT overrides it.'),
  protectMetrics: Type.Optional(Type.Boolean({ default: false, description: 'true: /metrics needs a token of the admin API, as /v1 does.' })),
}, { ...section, description: "The operators' listener: page, API, metrics and health." })

const cache = Type.Object({
  entriesMax: count(100_000, 10_000_000, 'Keys held in memory.'),
  ttl: duration('60s', 'How long a key counts before it is looked up again. Changes reach the gateway at once all the same.'),
  negativeEntriesMax: count(50_000, 10_000_000, 'Unknown keys held in memory.'),
  negativeTtl: duration('10s', 'How long an unknown key is refused without a look-up.'),
}, section)

const keys = Type.Object({
  header: Type.Optional(text(grammars.headerName, 'Header that carries the key. Authorization: Bearer is accepted too.', { default: 'x-api-key' })),
  brand: Type.Optional(text(grammars.keyWord, 'First word of every key: sk in sk_live_…', { default: 'sk' })),
  environments: Type.Optional(Type.Array(text(grammars.keyWord, 'Second word of a key: live in sk_live_…'), {
    minItems: 1, uniqueItems: true, default: ['live', 'test'], description: 'Environments that this gateway admits; a key of another is invalid_key.',
  })),
  checksum: Type.Optional(Type.Enum(['required', 'optional'], { type: 'string', default: 'required', description: 'optional: also accepts keys minted by another system, which have no checksum.' })),
  bcryptCost: Type.Optional(Type.Integer({ minimum: 4, maximum: 12, default: 10, description: 'Work factor of the hash that new keys are stored under.' })),
  cache: Type.Optional(cache),
  whenStoreIsDown: Type.Optional(Type.Object({
    serveCachedFor: duration('10m', "How long beyond the cache's ttl a key already seen still counts while the database can't be reached."),
  }, section)),
}, { ...section, description: 'How keys look, and how they are checked.' })

const usage = Type.Object({
  store: Type.Optional(Type.Enum(['postgres', 'none'], { type: 'string', default: 'postgres', description: 'Where usage rows end up: the table beside the keys, or nowhere.' })),
  flushEvery: duration('1s', 'How often usage rows are written.'),
  flushRows: count(1000, 10_000, 'Rows that are written without waiting for the next flush.'),
  spool: Type.Optional(Type.Boolean({ default: true, description: 'Keep rows on disk, under LATCHKEY_DATA_DIR, until they are written: they survive a crash and an outage of the database.' })),
  spoolBytesMax: Type.Optional(text(grammars.size, 'Most that the spool may take on disk, all workers together.', { default: '1GiB' })),
  whenSpoolIsFull: Type.Optional(Type.Enum(['dropNewest', 'dropOldest'], { type: 'string', default: 'dropNewest', description: 'Which rows are given up then; they are counted and logged.' })),
  fsync: Type.Optional(Type.Enum(['never', 'flush', 'always'], { type: 'string', default: 'flush', description: 'When the spool is forced to the disk, which matters for a power cut only: never (the system does it, within half a minute), after a flush that failed, or always, with each write.' })),
  retention: Type.Optional(text(grammars.duration, 'How long usage rows are kept, by months: a month is dropped once all of it is older. Left out: for ever. Roll-ups stay.')),
  addresses: Type.Optional(Type.Enum(['kept', 'truncated', 'dropped'], { type: 'string', default: 'kept', description: "Clients' addresses in usage rows; truncated: to their /24 or, IPv6, /48." })),
  userAgents: Type.Optional(Type.Enum(['kept', 'shortened', 'dropped'], { type: 'string', default: 'kept', description: "Clients' user agents in usage rows; shortened: the first product's name and major version." })),
  paths: Type.Optional(Type.Enum(['asSent', 'routePattern'], { type: 'string', default: 'asSent', description: "What a usage row's endpoint is: the path that the client sent, or the path of the route that it matched." })),
}, { ...section, description: 'The record of who used what.' })

const upstream = Type.Object({
  targets: Type.Array(text(grammars.target, 'Origin of a server: http://127.0.0.1:9000'), { minItems: 1, uniqueItems: true, description: 'Servers of this upstream, used in turn.' }),
  connectTimeout: duration('2s', 'Longest wait for a connection.'),
  headersTimeout: duration('30s', "Longest wait for the response's headers."),
  bodyTimeout: duration('60s', "Longest pause between two pieces of the response's body."),
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 5, default: 1, description: 'Further tries of an idempotent request without a body.' })),
}, { ...closed, description: 'A service that requests are forwarded to.' })

const route = Type.Object({
  id: text(grammars.name, 'Name of the route in usage, metrics and logs; unique.'),
  path: text(grammars.path, 'Static text, :param for one segment, * at the end for the rest. /inventory/* does not match /inventory. The most specific path wins.'),
  methods: Type.Optional(Type.Array(text(grammars.method, 'A method in upper case.'), {
    minItems: 1, uniqueItems: true, description: 'Left out: every method but CONNECT and TRACE. GET does not bring HEAD along.',
  })),
  host: Type.Optional(Type.String({ description: 'Host that the request must name. Left out: every host.' })),
  upstream: text(grammars.name, 'Name of an entry in upstreams.'),
  stripPrefix: Type.Optional(text(grammars.path, 'Leading part of the path that the upstream does not see; it ends where a segment ends.')),
  preserveHost: Type.Optional(Type.Boolean({ default: false, description: "true: the upstream gets the client's Host. Otherwise it gets the target's own, with x-forwarded-host." })),
  scopes: Type.Optional(Type.Unsafe<string[] | { allOf?: string[], anyOf?: string[] }>({
    anyOf: [
      scopes('The key must hold all of these.', 0),
      Type.Object({ allOf: Type.Optional(scopes('The key must hold all of these.')), anyOf: Type.Optional(scopes('The key must hold one of these.')) }, { ...closed, minProperties: 1 }),
    ],
    description: 'Scopes that a key must hold: a list means all of them. Left out or empty: any valid key.',
  })),
  auth: Type.Optional(Type.Enum(['key', 'none', 'report'], { type: 'string', default: 'key', description: 'key: a valid key is needed. none: public. report: let through, and log and count what would have been refused.' })),
  bodyBytesMax: Type.Optional(text(grammars.size, "Largest request body of this route; left out: the gateway's.")),
}, closed)

/** The JSON Schema of the configuration file. What a pattern can't say is checked by rules.ts. */
export const configSchema = Type.Object({
  gateway: Type.Optional(gateway),
  admin: Type.Optional(admin),
  keys: Type.Optional(keys),
  usage: Type.Optional(usage),
  upstreams: Type.Record(Type.String({ pattern: grammars.name.pattern }), upstream, { ...closed, minProperties: 1, description: 'Services that requests are forwarded to, by name.' }),
  routes: Type.Array(route, { minItems: 1, description: 'Which requests are let through, and where to. The order does not matter.' }),
}, { ...closed, $schema: 'http://json-schema.org/draft-07/schema#', title: 'Latchkey configuration' })

/** A file that the schema accepts, with the schema's defaults filled in. */
export type ConfigDocument = Type.Static<typeof configSchema>

/** The text of config/gateway.schema.json. */
export function generatedSchema (): string {
  return `${JSON.stringify(configSchema, null, 2)}\n`
}

/**
 * The text of schema.generated.ts, which the product reads in this module's place: making the schema costs a quarter
 * of a second of CPU in each process, most of it for loading TypeBox.
 */
export function generatedModule (): string {
  // Escaped once more for the literal that holds it.
  const json = JSON.stringify(JSON.stringify(configSchema)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `// Made by npm run schema, from schema.ts.\nexport const configSchema: object = JSON.parse('${json}')\n`
}

function text ({ pattern }: Grammar, description: string, options: { default?: string } = {}) {
  return Type.String({ pattern, description, ...options })
}
