import t from 'tap'
import { GatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import { parts, startAdmin } from './support.ts'

t.test('metrics are served as Prometheus reads them', async (t) => {
  const gateway = new GatewayMetrics()
  gateway.requestFinished('read', 'GET', 200, 5)
  const { url } = await startAdmin(t, { registry: createRegistry(parts({ gateway })) })
  const response = await fetch(`${url}/metrics`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.match(await response.text(), /^latchkey_requests_total\{route="read",method="GET",code="200"\} 1$/m)
})
