import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { besiege } from '../support/siege.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('two thousand slow clients', async t => {
  const upstream = await startUpstream(t)
  const { start, headers } = await prepareGatewayProcesses(t, frontConfig(upstream.url, { sections: 'gateway: { headersTimeout: 5s, bodyTimeout: 5s }' }))
  const gateway = await start(t)
  await besiege(t, {
    gateway,
    headers,
    attacks: [{ kind: 'slow-heads', count: 1_000 }, { kind: 'slow-bodies', count: 1_000, key: headers['x-api-key'] }],
    calmMs: 4_000,
    attackMs: 15_000,
  })
})
