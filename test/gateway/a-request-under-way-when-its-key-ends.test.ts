import { request, type ServerResponse } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

const waiting: ServerResponse[] = []
const upstream = await startRawUpstream(t, (incoming, response) => {
  incoming.resume()
  incoming.on('end', () => waiting.push(response))
})
const { gateway, headers, keyId } = await startFront(t, upstream.url)

/** Of a request that the upstream doesn't answer: the status that it gets, or why it gets none. */
async function outcomeOf (method: string): Promise<number | string> {
  return await new Promise(resolve => {
    const outgoing = request(`${gateway.url}/${method}`, { method, headers, agent: false }, response => {
      response.resume()
      resolve(response.statusCode!)
    })
    outgoing.on('error', (err: NodeJS.ErrnoException) => resolve(String(err.code)))
    outgoing.end(method === 'GET' ? undefined : 'body')
  })
}

t.test('is refused where nothing can have been changed, and otherwise broken off: a refusal would say that nothing was done', async t => {
  const outcomes = Promise.all([outcomeOf('GET'), outcomeOf('POST'), outcomeOf('DELETE')])
  await until(() => waiting.length === 3, 'all three have reached the upstream')
  await gateway.database.pool.query('update api_keys set revoked_at = now(), is_active = false where id = $1', [keyId])
  t.same(await outcomes, [401, 'ECONNRESET', 'ECONNRESET'])
  for (const method of ['GET', 'POST', 'DELETE']) {
    await until(async () => (await usageRows(gateway, `/${method}`)).length === 1, 'it is recorded')
    t.match(await usageRows(gateway, `/${method}`), [{ status_code: 401 }])
  }
})
