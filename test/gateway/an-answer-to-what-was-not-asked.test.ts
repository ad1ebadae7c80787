import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startScripted } from '../upstreams/direct/engine-alone.ts'

t.test('what an upstream says on an idle connection is no answer to the request that comes next, which is asked on another', async t => {
  const requests: string[] = []
  const upstream = await startScripted(t, (socket, text) => {
    requests.push(text.split(' HTTP', 1)[0]!)
    socket.write('HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 4\r\n\r\nreal')
  })
  const { url, key } = await startFront(t, upstream.url, { upstream: 'retries: 0' })
  const client = await connectTo(t, url)
  for (let i = 0; i < 20; i++) {
    client.received = ''
    client.write(`POST /${i} HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\nContent-Length: 0\r\n\r\n`)
    // Both are there when the gateway looks the next time.
    if (i > 0) upstream.sockets.at(-1)!.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nstale')
    await until(() => /real|stale|"code"/.test(client.received) || client.isClosed, 'an answer')
    t.match(client.received, /^HTTP\/1\.1 200 [^]*real$/)
  }
  t.same(requests, Array.from({ length: 20 }, (_, i) => `POST /${i}`))
})
