import type { ServerResponse } from 'node:http'
import t from 'tap'
import { runningMax } from '../../src/upstreams/upstream.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo, type RawConnection } from '../support/raw-connection.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

const held: ServerResponse[] = []
const upstream = await startRawUpstream(t, (request, response) => {
  request.resume()
  if (request.url === '/held') held.push(response)
  else if (request.url === '/304') response.writeHead(304).end()
  else if (request.url === '/204') response.writeHead(204).end()
  else if (request.url === '/reset') request.socket.resetAndDestroy()
  else response.end('ok')
})
const { url, key, headers, gateway } = await startFront(t, upstream.url, { upstream: 'headersTimeout: 2m, retries: 0' })
const head = (line: string) => `${line} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`

t.test('requests that have ended, in whatever way, count no longer', async t => {
  for (const line of ['HEAD /', 'GET /', 'GET /204', 'GET /304', 'GET /reset']) {
    const client = await connectTo(t, url)
    const each = 50
    for (let sent = 0; sent < runningMax + each; sent += each) {
      client.received = ''
      client.write(head(line).repeat(each))
      await until(() => client.received.split('HTTP/1.1 ').length - 1 === each, `${each} answers to ${line}`)
    }
    t.notMatch(client.received, /HTTP\/1\.1 503/, line)
  }
})

t.test('as many as the bound are under way, and one more is a 503', async t => {
  const clients: RawConnection[] = []
  for (let i = 0; i < runningMax; i++) {
    const client = await connectTo(t, url)
    client.write(head('GET /held'))
    clients.push(client)
  }
  await until(() => held.length === runningMax, 'all have reached the upstream', { timeoutMs: 120_000 })
  const answer = await send(`${url}/more`, { headers })
  t.match(answer, { status: 503, code: 'overloaded' })
  t.equal(answer.headers['retry-after'], '1')
  const upgrade = await connectTo(t, url)
  upgrade.write(`GET /more HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
  await upgrade.closed()
  t.match(upgrade.received, /^HTTP\/1\.1 503 /, 'a WebSocket is no exception')
  t.equal((await scrape(gateway.adminUrl)).get('latchkey_upstream_failures_total{upstream="target",code="overloaded"}'), 2)
  held.pop()!.end('ok')
  await until(async () => (await send(`${url}/more`, { headers })).status === 200, 'there is room again')
  for (const response of held) response.end('ok')
  await until(() => clients.every(({ received }) => received.includes('200 OK')), 'all others are answered')
})
