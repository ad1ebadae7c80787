import type { ServerResponse } from 'node:http'
import t from 'tap'
import { shutdownUnderLoad } from '../support/shutdown-under-load.ts'
import { startUpstream } from '../support/upstream.ts'
import { prepareWorkers } from './workers.ts'

const held: ServerResponse[] = []
const upstream = await startUpstream(t, (request, response) => {
  if (request.url === '/held') held.push(response)
  else setTimeout(() => response.end('x'.repeat(5_000)), 5)
})
const gateways = await prepareWorkers(t, upstream.url)

t.test('SIGTERM under load with two workers', async t => {
  const { failures, answered, readiness, exit, log } = await shutdownUnderLoad(t, gateways, 'workers', () => {
    const response = held.pop()
    response?.end('let go')
    return response !== undefined
  })
  t.same(failures, [], 'every request sent got its whole answer, or found the listener closed')
  t.equal(readiness, 503)
  t.same(exit, { code: 0, signal: null }, 'it ends in order', { log })
  const { rows } = await gateways.pool.query<{ request_id: string }>("select request_id from api_key_usage where request_id like 'workers-%'")
  t.same(rows.map(row => row.request_id).sort(), answered.sort(), 'every answer has its row, and just one')
})
