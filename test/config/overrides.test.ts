import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { faultsOf, minimal } from './faults.ts'

const sections = 'gateway: { host: 0.0.0.0, port: 8080 }\nadmin: { host: 127.0.0.1, port: 8081 }'

t.test('hosts and ports from outside win over the file', async (t) => {
  const config = parseConfig(minimal({ sections }), 'f', { host: '127.0.0.1', port: 0, adminHost: '::1', adminPort: 9 })
  t.match(config, { gateway: { host: '127.0.0.1', port: 0 }, admin: { host: '::1', port: 9 } })
})

t.test('null and nothing leave what the file says', async (t) => {
  const config = parseConfig(minimal({ sections }), 'f', { host: null, port: null, adminHost: undefined })
  t.match(config, { gateway: { host: '0.0.0.0', port: 8080 }, admin: { host: '127.0.0.1', port: 8081 } })
})

t.test('they are checked, together with the file', async (t) => {
  t.same(faultsOf(minimal({ sections: 'gateway: { port: x }' }), { host: 'a:1', port: 70_000, adminHost: '', adminPort: 1.5 }), [
    '0:0 host must be an IP address without brackets or a host name, without a port',
    '0:0 admin host must be an IP address without brackets or a host name, without a port',
    '0:0 port must be 0 to 65535',
    '0:0 admin port must be 0 to 65535',
    '1:18 gateway.port must be a whole number',
  ])
})

t.test('they make and mend a clash of ports', async (t) => {
  t.match(faultsOf(minimal({ sections }), { port: 8081 }), [/^2:33 admin.port is the gateway's port too, 8081/])
  t.match(faultsOf(minimal({ sections: 'gateway: { port: 8081 }' }), { adminPort: 1 }), [])
})
