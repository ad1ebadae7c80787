import t from 'tap'
import { GatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import { parseConfig } from '../../src/config/load.ts'
import { adminToken, isProblem, parts, startAdmin } from './support.ts'

t.test('metrics are served as Prometheus reads them', async (t) => {
  const gateway = new GatewayMetrics()
  gateway.requestFinished('read', 'GET', 200, 5)
  const { url } = await startAdmin(t, { registry: createRegistry(parts({ gateway })) })
  const response = await fetch(`${url}/metrics`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.match(await response.text(), /^latchkey_requests_total\{route="read",method="GET",code="200"\} 1$/m)
})

t.test('with admin.protectMetrics they need a token, of whatever rights', async (t) => {
  const protectedConfig = parseConfig('admin: { protectMetrics: true }\nupstreams: { any: { targets: ["http://127.0.0.1"] } }\nroutes: [{ id: any, path: /, upstream: any }]\n', 'test')
  const { url } = await startAdmin(t, { config: () => protectedConfig })
  const asked = async (headers: Record<string, string>, method = 'GET') => await fetch(`${url}/metrics`, { method, headers })
  await isProblem(t, await asked({}), 401, 'unauthorized')
  await isProblem(t, await asked({ authorization: `Bearer ${adminToken}x` }), 401, 'unauthorized')
  t.equal((await asked({}, 'HEAD')).status, 401)
  const response = await asked({ authorization: `Bearer ${adminToken}` })
  t.equal(response.status, 200)
  t.match(await response.text(), /^latchkey_build_info/m)
  t.equal((await fetch(`${url}/healthz`)).status, 200, 'the health stays open')
})
