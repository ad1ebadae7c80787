import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { faultsOf } from './faults.ts'

const example = `gateway:
  host: 0.0.0.0
  port: 8080
  workers: 1
  trustProxy: []
  bodyBytesMax: 10MiB
admin:
  host: 127.0.0.1
  port: 8081
keys:
  header: x-api-key
  brand: sk
  environments: [live, test]
  checksum: required
  bcryptCost: 10
  cache: { entriesMax: 100000, ttl: 60s, negativeEntriesMax: 50000, negativeTtl: 10s }
  whenStoreIsDown: { serveCachedFor: 10m }
usage:
  store: postgres
  flushEvery: 1s
  flushRows: 1000
  spool: true
  spoolBytesMax: 1GiB
upstreams:
  inventory:
    targets: [http://127.0.0.1:9000]
    connectTimeout: 2s
    headersTimeout: 30s
    bodyTimeout: 60s
    retries: 1
routes:
  - id: read-inventory
    path: /inventory/*
    methods: [GET, HEAD]
    upstream: inventory
    scopes: [inventory:read]
    auth: key
`
const expected = {
  gateway: {
    host: '0.0.0.0',
    port: 8080,
    workers: 1,
    trustProxy: [],
    bodyBytesMax: 10_485_760,
    headersTimeoutMs: 15_000,
    bodyTimeoutMs: 60_000,
    sendTimeoutMs: 60_000,
    keepAliveTimeoutMs: 65_000,
    connectionsMax: 20_000,
    connectionsPerAddressMax: 5_000,
    failureBudget: { failures: 100, perMs: 60_000 },
    eventLoopDelayMaxMs: 500,
    engine: 'direct',
  },
  admin: { host: '127.0.0.1', port: 8081, protectMetrics: false },
  keys: {
    header: 'x-api-key',
    brand: 'sk',
    environments: ['live', 'test'],
    checksum: 'required',
    bcryptCost: 10,
    cache: { entriesMax: 100_000, ttlMs: 60_000, negativeEntriesMax: 50_000, negativeTtlMs: 10_000 },
    serveCachedForMs: 600_000,
  },
  usage: {
    store: 'postgres',
    flushEveryMs: 1_000,
    flushRows: 1_000,
    spool: true,
    spoolBytesMax: 1_073_741_824,
    whenSpoolIsFull: 'dropNewest',
    fsync: 'flush',
    retentionMs: null,
    privacy: { addresses: 'kept', userAgents: 'kept', paths: 'asSent' },
  },
  upstreams: [{ name: 'inventory', targets: ['http://127.0.0.1:9000'], connectTimeoutMs: 2_000, headersTimeoutMs: 30_000, bodyTimeoutMs: 60_000, retries: 1 }],
  routes: [{
    id: 'read-inventory',
    path: '/inventory/*',
    methods: ['GET', 'HEAD'],
    host: null,
    upstream: 'inventory',
    stripPrefix: null,
    preserveHost: false,
    scopes: { allOf: ['inventory:read'], anyOf: [] },
    auth: 'key',
    bodyBytesMax: 10_485_760,
  }],
}

t.test('the documented example means what it says', async (t) => {
  t.same(parseConfig(example, 'gateway.yaml'), expected)
})

t.test('its values are the defaults', async (t) => {
  const short = `upstreams: { inventory: { targets: [http://127.0.0.1:9000] } }
routes: [{ id: read-inventory, path: /inventory/*, methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read] }]`
  t.same(parseConfig(short, 'gateway.yaml'), expected)
})

t.test('settings that this version does not enforce are unknown', async (t) => {
  const later: [string, string, string][] = [
    ['gateway:', 'gateway:\n  tls: { cert: a, key: b }', '"tls" in gateway'],
    ['    retries: 1', '    health: { path: /healthz }', '"health" in upstreams.inventory'],
    ['    auth: key', '    rateLimit: { requests: 100, per: 1s }', '"rateLimit" in routes[0]'],
  ]
  for (const [from, to, what] of later) {
    const faults = faultsOf(example.replace(`${from}\n`, `${to}\n`))
    t.equal(faults.length, 1, faults.join('\n'))
    t.ok(faults[0]?.includes(`unknown key ${what}`), what)
  }
})

t.test('it is frozen all through', async (t) => {
  const isFrozen = (value: unknown): boolean => typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
  t.ok(isFrozen(parseConfig(example, 'gateway.yaml')))
})
