import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

interface Exchange { readonly request: IncomingMessage, readonly response: ServerResponse, bytes: number }
const exchanges = new Map<string, Exchange>()
const upstream = await startRawUpstream(t, (request, response) => {
  const exchange = { request, response, bytes: 0 }
  exchanges.set(request.url!, exchange)
  request.on('error', () => {})
  if (request.url === '/unread') return
  request.on('data', (chunk: Buffer) => { exchange.bytes += chunk.length })
  if (['/held', '/never-read', '/open/slow', '/open/silent'].includes(request.url!)) return
  request.on('end', () => response.end('done'))
})
const timeoutMs = 1_000
const { url, key, gateway } = await startFront(t, upstream.url, {
  sections: 'gateway: { headersTimeout: 1s, bodyTimeout: 1s, sendTimeout: 1s, keepAliveTimeout: 1s }',
  routes: ['id: open, path: /open/*, auth: none'],
})
const head = (line: string, ...lines: string[]) => [`${line} HTTP/1.1`, 'Host: gateway', `x-api-key: ${key}`, ...lines, '', ''].join('\r\n')
const lineOf = (path: string) => gateway.logs.map(line => JSON.parse(line)).find(line => line.msg === 'request' && line.path === path)

const scenarios: { readonly name: string, readonly run: (t: Test) => Promise<void> }[] = []
function scenario (name: string, run: (t: Test) => Promise<void>): void {
  scenarios.push({ name, run })
}

scenario('a head that trickles in, and none at all, are a 408', async t => {
  const clients = [await connectTo(t, url), await connectTo(t, url)]
  const trickle = setInterval(() => clients[0]!.write('x'), 50)
  t.teardown(() => clearInterval(trickle))
  clients[0]!.write('GET /trickled HTTP/1.1\r\nHost: gateway\r\nx-long: ')
  for (const client of clients) {
    await client.closed()
    t.match(client.received, /^HTTP\/1\.1 408 [^]*"code":"request_timeout"/)
  }
  t.ok((await scrape(gateway.adminUrl)).get('latchkey_requests_total{route="none",method="OTHER",code="408"}')! >= 2)
})

for (const [i, [line, half]] of [['Content-Length: 10', 'half'], ['Transfer-Encoding: chunked', '4\r\nhalf\r\n']].entries()) {
  scenario(`a body that stops arriving is a 408: ${line}`, async t => {
    const path = `/stops-${i}`
    const client = await connectTo(t, url)
    client.write(head(`POST ${path}`, line!) + half)
    await until(() => exchanges.get(path)?.bytes === 4, 'the upstream has the first half')
    await client.closed()
    t.match(client.received, /^HTTP\/1\.1 408 [^]*connection: close[^]*"code":"request_timeout"/i)
    const { request } = exchanges.get(path)!
    await until(() => request.destroyed, 'the upstream\'s request has ended')
    t.equal(request.complete, false)
    t.match(await usageRows(gateway, path), [{ status_code: 408 }])
    t.match(lineOf(path), { status: 408, code: 'request_timeout', failure: 'RequestTimeoutError: the body stopped arriving' })
  })
}

scenario('a body that stops behind an early answer\'s head breaks the answer off', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('POST /held', 'Content-Length: 10')}half`)
  await until(() => exchanges.has('/held'), 'the upstream has the request')
  const { response } = exchanges.get('/held')!
  response.write('the beginning')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 200 /)
  t.notOk(client.received.endsWith('0\r\n\r\n'))
  await until(() => response.destroyed, 'the upstream\'s response has ended')
  t.match(await usageRows(gateway, '/held'), [{ status_code: 408 }])
})

scenario('the rest of a refused request\'s body is not waited for', async t => {
  const client = await connectTo(t, url)
  client.write('POST /refused HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\nhalf')
  await client.sees('missing_key')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 401 /)
})

scenario('a body of a known length must come at 240 bytes a second in the long run; one without may trickle', async t => {
  const [sized, chunked] = [await connectTo(t, url), await connectTo(t, url)]
  sized.write(head('POST /sized', 'Content-Length: 1000'))
  chunked.write(head('POST /chunked', 'Transfer-Encoding: chunked'))
  const trickle = setInterval(() => {
    sized.write('x')
    chunked.write('1\r\nx\r\n')
  }, 50)
  t.teardown(() => clearInterval(trickle))
  await sized.closed()
  t.match(sized.received, /^HTTP\/1\.1 408 /)
  const { bytes } = exchanges.get('/chunked')!
  await until(() => exchanges.get('/chunked')!.bytes > bytes + 20, 'the other goes on')
  clearInterval(trickle)
  chunked.write('0\r\n\r\n')
  await chunked.sees('done')
  t.match(chunked.received, /^HTTP\/1\.1 200 /)
})

scenario('an upstream that does not read is not the client\'s fault', async t => {
  const client = await connectTo(t, url)
  client.write(head('POST /unread', 'Content-Length: 8000000'))
  client.socket.write('x'.repeat(8_000_000))
  await until(() => exchanges.has('/unread'), 'the upstream has the request')
  await delay(timeoutMs * 2.5)
  t.equal(client.isClosed, false)
  const { request, response } = exchanges.get('/unread')!
  request.resume()
  request.on('end', () => response.end('done'))
  await client.sees('done')
  t.match(client.received, /^HTTP\/1\.1 200 /)
})

scenario('a client that takes nothing of its response is given up, and its upstream let go', async t => {
  const client = await connectTo(t, url)
  client.socket.pause()
  client.write(head('GET /never-read'))
  await until(() => exchanges.has('/never-read'), 'the upstream has the request')
  const { response } = exchanges.get('/never-read')!
  const piece = Buffer.alloc(1 << 20)
  const write = () => { while (!response.destroyed && response.write(piece)); }
  response.on('drain', write)
  write()
  await until(() => response.destroyed, 'the upstream\'s response has ended')
  t.match(await usageRows(gateway, '/never-read'), [{ status_code: 499 }])
  t.match(lineOf('/never-read'), { status: 499, failure: 'SendTimeoutError: the client stopped reading' })
})

scenario('a slow upstream, and a stream that is silent, are waited for', async t => {
  const [slow, silent] = [await connectTo(t, url), await connectTo(t, url)]
  slow.write(head('GET /open/slow'))
  silent.write(head('GET /open/silent'))
  for (const path of ['/open/slow', '/open/silent']) await until(() => exchanges.has(path), 'the upstream has the request')
  const { response } = exchanges.get('/open/silent')!
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  await silent.sees('data: 1')
  await delay(timeoutMs * 2.5)
  response.write('data: 2\n\n')
  await silent.sees('data: 2')
  exchanges.get('/open/slow')!.response.writeHead(200, { 'content-length': '4' }).end('late')
  await slow.sees('late')
  t.equal(silent.isClosed || slow.isClosed, false)
})

scenario('an idle connection is closed', async t => {
  const client = await connectTo(t, url)
  client.write(head('GET /idle'))
  await client.sees('done')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 200 [^]*keep-alive: timeout=1\r\n/i)
})

t.test('side by side, as each of them is mostly waiting', async t => {
  await Promise.all(scenarios.map(async ({ name, run }) => {
    await run(t)
    t.pass(name)
  }))
})
