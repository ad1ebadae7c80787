import t from 'tap'
import { Client } from 'undici'
import { startFront } from '../support/front.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('a connection on which an answer had to wait for its client carries the next ones', async t => {
  const large = Buffer.alloc(1024 * 1024, 'x')
  const upstream = await startUpstream(t, (_request, response) => { response.end(large) })
  const { url, headers } = await startFront(t, upstream.url)
  const client = new Client(url)
  t.teardown(async () => await client.destroy())
  for (let i = 0; i < 8; i++) {
    const { statusCode, body } = await client.request({ path: '/', method: 'POST', headers, body: 'x', headersTimeout: 10_000 })
    t.equal(statusCode, 200)
    t.equal((await body.arrayBuffer()).byteLength, large.length)
  }
})
