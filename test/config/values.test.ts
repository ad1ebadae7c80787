import t from 'tap'
import { faultsOf, minimal } from './faults.ts'

/** A section, and what its only fault says. */
const faulty: [string, RegExp][] = [
  ['gateway: { port: -1 }', /gateway.port must be 0 or more/],
  ['gateway: { port: "8080" }', /gateway.port must be a whole number/],
  ['gateway: { port: 80.5 }', /gateway.port must be a whole number/],
  ['gateway: { workers: 0 }', /gateway.workers must be 1 or more/],
  ['gateway: { workers: 65 }', /gateway.workers must be 64 or less/],
  ['gateway: { workers: many }', /gateway.workers must be a number of processes, 1 to 64, or auto/],
  ['gateway: { workers: 1.5 }', /gateway.workers must be a number of processes, 1 to 64, or auto/],
  ['gateway: { host: "[::1]" }', /gateway.host must be an IP address without brackets/],
  ['gateway: { host: "127.0.0.1:80" }', /gateway.host must be an IP address/],
  ['gateway: { host: 999.1.1.1 }', /gateway.host must be an IP address/],
  ['gateway: { trustProxy: [loadbalancer] }', /gateway.trustProxy\[0\] must be an address or a range of addresses/],
  ['gateway: { trustProxy: [10.1] }', /gateway.trustProxy\[0\] must be an address or a range/],
  ['gateway: { trustProxy: [10.0.0] }', /gateway.trustProxy\[0\] is no address range: "10.0.0"/],
  ['gateway: { trustProxy: [010.0.0.1] }', /gateway.trustProxy\[0\] is no address range/],
  ['gateway: { trustProxy: [10.0.0.0/33] }', /gateway.trustProxy\[0\] is no address range/],
  ['gateway: { trustProxy: [10.0.0.5/8] }', /gateway.trustProxy\[0\] is no address range: "10.0.0.5\/8".*beyond its prefix/],
  ['gateway: { trustProxy: [0.0.0.0/0] }', /gateway.trustProxy\[0\] must not trust every address/],
  ['gateway: { trustProxy: ["::/0"] }', /gateway.trustProxy\[0\] must not trust every address/],
  ['gateway: { trustProxy: ["::ffff:0:0/96"] }', /gateway.trustProxy\[0\] must not trust every address/],
  ['gateway: { bodyBytesMax: 1024 }', /gateway.bodyBytesMax must be a size/],
  ['gateway: { bodyBytesMax: 0B }', /gateway.bodyBytesMax must be 1B to 1024GiB/],
  ['gateway: { bodyBytesMax: 999999999999GiB }', /gateway.bodyBytesMax must be 1B to 1024GiB/],
  ['gateway:', /gateway is empty: give it a value or leave it out/],
  ['gateway: []', /gateway must be a map/],
  ['admin: { port: 8080 }', /admin.port is the gateway's port too, 8080: change one/],
  ['gateway: { port: 8081, host: "::" }', /admin.port is the gateway's port too, 8081: change one/],
  ['keys: { header: "x api key" }', /keys.header must be a header name/],
  ['keys: { header: Authorization }', /keys.header can't be "Authorization"/],
  ['keys: { header: host }', /keys.header can't be/],
  ['keys: { header: transfer-encoding }', /keys.header can't be/],
  ['keys: { header: content-length }', /keys.header can't be/],
  ['keys: { header: connection }', /keys.header can't be/],
  ['keys: { header: X_Latchkey_Key_Id }', /keys.header can't be/],
  ['keys: { header: x-request-id }', /keys.header can't be/],
  ['keys: { header: x-forwarded-for }', /keys.header can't be/],
  ['keys: { brand: s_k }', /keys.brand must be lower-case letters and digits only/],
  ['keys: { brand: SK }', /keys.brand must be lower-case letters/],
  ['keys: { brand: "" }', /keys.brand must be lower-case letters and digits only/],
  ['keys: { brand: elevenchars, environments: [live] }', /keys.environments\[0\] is too long: brand and environment together may have 14 characters/],
  ['keys: { environments: [] }', /keys.environments must not be empty/],
  ['keys: { environments: [live, live] }', /keys.environments lists this twice/],
  ['keys: { environments: live }', /keys.environments must be a list/],
  ['keys: { checksum: no }', /keys.checksum must be required or optional/],
  ['keys: { bcryptCost: 13 }', /keys.bcryptCost must be 12 or less/],
  ['keys: { bcryptCost: 3 }', /keys.bcryptCost must be 4 or more/],
  ['keys: { cache: { ttl: 0s } }', /keys.cache.ttl must be 1ms to 24d/],
  ['keys: { cache: { ttl: 25d } }', /keys.cache.ttl must be 1ms to 24d/],
  ['keys: { cache: { ttl: 60 } }', /keys.cache.ttl must be a duration such as/],
  ['keys: { cache: { ttl: 1.5s } }', /keys.cache.ttl must be a duration such as/],
  ['keys: { cache: { entriesMax: 0 } }', /keys.cache.entriesMax must be 1 or more/],
  ['keys: { whenStoreIsDown: { serveCachedFor: forever } }', /keys.whenStoreIsDown.serveCachedFor must be a duration/],
  ['usage: { flushEvery: 2h }', /usage.flushEvery must be 1ms to 1h/],
  ['usage: { flushRows: 0 }', /usage.flushRows must be 1 or more/],
]
for (const [sections, message] of faulty) {
  t.test(sections, async (t) => {
    const faults = faultsOf(minimal({ sections }))
    t.equal(faults.length, 1, faults.join('\n'))
    t.match(faults[0], message)
    t.match(faults[0], /^1:/)
  })
}

const fine = [
  'gateway: { port: 0 }\nadmin: { port: 0 }',
  'gateway: { host: 127.0.0.1, port: 80 }\nadmin: { host: 127.0.0.2, port: 80 }',
  'gateway: { host: "::1" }',
  'gateway: { trustProxy: [10.0.0.0/8, 192.0.2.1, "2001:db8::/32", "::1", "::ffff:192.0.2.0/120"] }',
  'gateway: { host: gateway.internal }',
  'gateway: { bodyBytesMax: 1024GiB }',
  'keys: { header: X-Acme-Key }',
  'keys: { brand: acme, environments: [production] }',
  'keys: { cache: { ttl: 24d, negativeTtl: 1ms } }',
]
for (const sections of fine) t.same(faultsOf(minimal({ sections })), [], sections)
