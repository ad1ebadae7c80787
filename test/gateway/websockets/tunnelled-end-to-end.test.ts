import { randomBytes } from 'node:crypto'
import t from 'tap'
import { startFront } from '../../support/front.ts'
import { scrape } from '../../support/scrape.ts'
import { until } from '../../support/until.ts'
import { usageRows } from '../../support/usage-rows.ts'
import { startWebSocketUpstream, WebSocketClient } from '../../support/websocket.ts'

const upstream = await startWebSocketUpstream(t, undefined, {
  perMessageDeflate: { threshold: 0 },
  handleProtocols: protocols => protocols.has('chat') ? 'chat' : false,
})
const { url, headers, keyId, gateway } = await startFront(t, upstream.url, {
  routes: [
    "id: public, path: '/public/*', auth: none",
    "id: report, path: '/report/*', auth: report, scopes: ['other:use']",
  ],
})

t.test('what each side says of the protocol reaches the other, and the key does not', async t => {
  const client = await new WebSocketClient(t, `${url}/chat?room=1`, { headers: { ...headers, cookie: 'a=b', 'x-request-id': 'upgrade-1' }, protocols: ['other', 'chat'], origin: 'https://app.test' }).opened()
  t.equal(client.socket.protocol, 'chat', 'the subprotocol that the upstream chose')
  t.match(client.socket.extensions, /permessage-deflate/, 'the extension is between the ends')
  t.equal(client.answer!.headers['x-request-id'], 'upgrade-1')
  const request = upstream.upgrades.at(-1)!
  t.equal(request.url, '/chat?room=1')
  t.match(request.headers, {
    upgrade: 'websocket',
    connection: 'Upgrade',
    cookie: 'a=b',
    origin: 'https://app.test',
    'sec-websocket-protocol': 'other,chat',
    'x-latchkey-key-id': String(keyId),
    'x-request-id': 'upgrade-1',
    'x-forwarded-for': '127.0.0.1',
  })
  t.notOk(Object.values(request.headers).some(value => String(value).includes(headers['x-api-key'])))
  client.socket.close()
  await client.ended()
})

t.test('messages of every size and kind, both ways', async t => {
  const client = await new WebSocketClient(t, url, { headers }).opened()
  const sent = [0, 1, 125, 126, 65_535, 65_536, 5_000_000].map(size => randomBytes(size))
  for (const message of sent) client.socket.send(message)
  client.socket.send('in ', { fin: false })
  client.socket.send('pie', { fin: false })
  client.socket.send('ces')
  await until(() => client.messages.length === sent.length + 1, 'all came back')
  t.ok(sent.every((message, i) => message.equals(client.messages[i]!)), 'unchanged and in order')
  t.equal(client.texts.at(-1), 'in pieces')

  let pongs = 0
  client.socket.on('pong', () => { pongs++ })
  client.socket.ping('are you there')
  await until(() => pongs === 1, 'a ping is answered by the other end')
  client.socket.close()
  await client.ended()
})

t.test('a close is answered by the other end, whoever begins', async t => {
  const client = await new WebSocketClient(t, url, { headers }).opened()
  let upstreamsEnd: unknown
  upstream.sockets.at(-1)!.on('close', (code, reason) => { upstreamsEnd = { code, reason: String(reason) } })
  client.socket.close(4001, 'enough')
  t.same(await client.ended(), { code: 4001, reason: 'enough' })
  await until(() => upstreamsEnd !== undefined, 'the upstream closed')
  t.same(upstreamsEnd, { code: 4001, reason: 'enough' })

  const other = await new WebSocketClient(t, url, { headers }).opened()
  upstream.sockets.at(-1)!.close(4002, 'you too')
  t.same(await other.ended(), { code: 4002, reason: 'you too' })
})

t.test('it is recorded once, when it has closed, with its duration', async t => {
  const countOf = async (series: string) => (await scrape(gateway.adminUrl)).get(series)
  const open = 'latchkey_open_streams{kind="websocket"}'
  const total = 'latchkey_requests_total{route="all",method="GET",code="101"}'
  await until(async () => await countOf(open) === 0, 'none is open')
  const before = await countOf(total) ?? 0
  const openedAtMs = performance.now()
  const client = await new WebSocketClient(t, `${url}/recorded`, { headers }).opened()
  client.socket.send('here')
  await until(() => client.messages.length === 1, 'it works')
  t.equal(await countOf(open), 1)
  t.equal(await countOf(total) ?? 0, before, 'nothing is recorded yet')
  await until(() => performance.now() - openedAtMs > 400, 'it was open for a while')
  const openForMs = performance.now() - openedAtMs
  client.socket.close()
  await client.ended()
  const [row, ...others] = await usageRows(gateway, '/recorded')
  t.match(row, { status_code: 101, method: 'GET', route: 'all', api_key_id: keyId })
  t.ok(row!.response_time_ms >= Math.floor(openForMs) - 100, `${row!.response_time_ms} ms`)
  t.same(others, [])
  await until(async () => await countOf(open) === 0, 'none is open')
  t.equal(await countOf(total), before + 1)
})

t.test('public and reporting routes can be upgraded too', async t => {
  await (await new WebSocketClient(t, `${url}/public/1`).opened()).socket.close()
  const reported = await new WebSocketClient(t, `${url}/report/1`, { headers }).opened()
  t.equal(upstream.upgrades.at(-1)!.headers['x-latchkey-key-id'], undefined, 'nobody vouches for it')
  t.equal(upstream.upgrades.at(-1)!.headers['x-api-key'], undefined)
  reported.socket.close()
})

t.test('a route that is swapped out leaves its WebSockets alone', async t => {
  const client = await new WebSocketClient(t, url, { headers }).opened()
  gateway.server.reload()
  client.socket.send('still there')
  await until(() => client.messages.length === 1, 'it works')
  t.pass('still open')
})
