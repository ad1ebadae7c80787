import type { ServerResponse } from 'node:http'
import t from 'tap'
import { WebSocketServer } from 'ws'
import { startFront } from '../../support/front.ts'
import { connectTo } from '../../support/raw-connection.ts'
import { upgradeHead } from '../../support/raw-websocket.ts'
import { until } from '../../support/until.ts'
import { startRawUpstream } from '../../support/upstream.ts'
import { WebSocketClient } from '../../support/websocket.ts'

t.test('a shutdown tells WebSockets that it goes away, breaks off event streams, and waits for what has an end', async t => {
  const upstreamsEnds: number[] = []
  const responses = new Map<string, ServerResponse>()
  const upstream = await startRawUpstream(t, (request, response) => {
    if (request.url === '/events') response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: begun\n\n')
    responses.set(request.url!, response)
  })
  new WebSocketServer({ server: upstream.server }).on('connection', socket => {
    socket.on('close', code => upstreamsEnds.push(code))
  })
  const { url, headers, key, gateway } = await startFront(t, upstream.url)
  const polite = await Promise.all(Array.from({ length: 3 }, async () => await new WebSocketClient(t, url, { headers }).opened()))
  const deaf = await connectTo(t, url)
  deaf.write(upgradeHead('/deaf', { more: [`x-api-key: ${key}`] }))
  await deaf.sees('101 Switching')
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n`
  const events = await connectTo(t, url)
  events.write(ask('/events'))
  const download = await connectTo(t, url)
  download.write(ask('/download'))
  await Promise.all([events.sees('begun'), download.sees('begun')])
  const late = await connectTo(t, url)

  const startedAtMs = performance.now()
  const closing = gateway.close()
  for (const client of polite) t.same(await client.ended(), { code: 1001, reason: 'going away' })
  await until(() => upstreamsEnds.length >= 3, 'the upstream is told too')
  t.same(upstreamsEnds.slice(0, 3), [1001, 1001, 1001])
  await deaf.sees('\x88\x0c\x03\xe9going away')
  late.write(upgradeHead('/late', { more: [`x-api-key: ${key}`] }))
  await late.sees('going away')
  t.match(late.received, /^HTTP\/1\.1 101 /, 'one that comes within the grace is opened, and told at once')
  await deaf.closed()
  t.ok(performance.now() - startedAtMs > 1_500, 'who does not answer has a moment')

  await events.closed()
  t.notOk(events.received.endsWith('0\r\n\r\n'), 'the event stream does not look complete')
  t.notOk(download.isClosed, 'a download goes on')
  responses.get('/download')!.end('done')
  await download.sees('done')
  await download.closed()
  t.ok(download.received.endsWith('0\r\n\r\n'))
  await closing
  t.notOk(gateway.logs.some(line => line.includes('broken off')), 'nothing was left at the deadline')
})
