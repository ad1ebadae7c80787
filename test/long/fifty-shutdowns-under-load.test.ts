import type { ServerResponse } from 'node:http'
import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { shutdownUnderLoad } from '../support/shutdown-under-load.ts'
import { startUpstream } from '../support/upstream.ts'

const held: ServerResponse[] = []
const upstream = await startUpstream(t, (request, response) => {
  if (request.url === '/held') held.push(response)
  else setTimeout(() => response.end('x'.repeat(5_000)), 5)
})
const gateways = await prepareGatewayProcesses(t, frontConfig(upstream.url))

t.test('50 times SIGTERM under load fail no request and lose no row', async t => {
  const rounds = Array.from({ length: 50 }, (_, i) => i + 1)
  // Two gateways at a time: most of a round is spent waiting.
  await Promise.all([0, 1].map(async () => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      const { failures, answered, readiness, exit, log } = await shutdownUnderLoad(t, gateways, `round-${round}`, () => {
        const response = held.pop()
        response?.end('let go')
        return response !== undefined
      }, { clients: 24 })
      t.same(failures, [], `round ${round}: every request sent got its whole answer, or found the listener closed`)
      t.equal(readiness, 503)
      t.same(exit, { code: 0, signal: null }, 'it ends in order', { log })
      const { rows } = await gateways.pool.query<{ request_id: string }>('select request_id from api_key_usage where request_id like $1', [`round-${round}-%`])
      t.same(rows.map(row => row.request_id).sort(), answered.sort(), 'every answer has its row, and just one')
    }
  }))
})
