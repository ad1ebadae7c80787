import t from 'tap'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseConfig } from '../../src/config/load.ts'
import { UsageError } from '../../src/errors.ts'
import { faultsOf } from './faults.ts'

const tenFaults = `gateway:
  host: 127.0.0.1
  port: 99999
  bodyBytesMax: 10MB
  tls: {}
keys:
  cache: { tll: 60s }
upstreams:
  inventory:
    targets: [http://127.0.0.1:9000/api]
routes:
  - id: read
    path: /inventory/*
    methods: [get]
    upstream: inventori
    scopes: [Inventory:read]
  - id: read
    path: inventory
    upstream: inventory
`

t.test('ten faults of ten kinds in one file are all reported, in order, with line and column', async (t) => {
  t.same(faultsOf(tenFaults), [
    '3:9 gateway.port must be 65535 or less',
    '4:17 gateway.bodyBytesMax must be a size such as 512B, 16KiB, 10MiB or 1GiB',
    "5:3 unknown key \"tls\" in gateway: this version of Latchkey doesn't know it",
    '7:12 unknown key "tll" in keys.cache: did you mean "ttl"?',
    '10:15 upstreams.inventory.targets[0] must be an origin such as http://127.0.0.1:9000 (http or https; no path, no slash at the end, no query, no user)',
    '14:15 routes[0].methods[0] must be a method in upper case such as GET',
    '15:15 no upstream is named "inventori": did you mean "inventory"?',
    '16:14 routes[0].scopes[0] must be a scope such as inventory:read (lower case, digits and . _ - between colons; no wildcard)',
    '17:9 route id "read" is taken by an earlier route: give each its own',
    '18:11 routes[1].path must be a path that starts with /',
  ])
})

t.test('the error prints one line for each fault, and holds them as data', async (t) => {
  t.plan(5)
  try {
    parseConfig(tenFaults, 'some/gateway.yaml')
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    t.ok(err instanceof UsageError)
    t.equal(err.faults.length, 10)
    t.same(err.faults[0], { file: 'some/gateway.yaml', line: 3, column: 9, message: 'gateway.port must be 65535 or less' })
    const lines = err.message.split('\n')
    t.equal(lines.length, 10)
    t.equal(lines[0], 'some/gateway.yaml:3:9 gateway.port must be 65535 or less')
  }
})
