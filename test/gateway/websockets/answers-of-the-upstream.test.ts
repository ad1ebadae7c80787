import { connect, createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startFront } from '../../support/front.ts'
import { connectTo } from '../../support/raw-connection.ts'
import { acceptOf, startRawAnswerer, switchedHead, upgradeHead } from '../../support/raw-websocket.ts'
import { until } from '../../support/until.ts'
import { usageRows } from '../../support/usage-rows.ts'
import { startWebSocketUpstream, WebSocketClient } from '../../support/websocket.ts'

// The upstream's answer is chosen by the path.
const answers: Record<string, (head: string) => string> = {
  '/401': () => 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nX-Request-Id: theirs\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: 4\r\n\r\nnope',
  '/426': () => 'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13, 8\r\nContent-Length: 0\r\n\r\n',
  '/302': () => 'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  '/500': () => 'HTTP/1.1 500 Oops\r\n\r\nuntil the end',
  '/200': () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '/103': head => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${switchedHead(head)}`,
  '/accept': () => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf('another key')}\r\n\r\n`,
  '/no-accept': () => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  '/no-upgrade': head => switchedHead(head, ['Connection: Upgrade']),
  '/no-connection': head => switchedHead(head, ['Upgrade: websocket']),
  '/h2c': head => switchedHead(head, ['Upgrade: h2c', 'Connection: Upgrade']),
  '/garbage': () => 'what?\r\n\r\n',
  '/endless': () => `HTTP/1.1 101 Switching Protocols\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`,
  '/broken-body': () => 'HTTP/1.1 200 OK\r\nETag: "theirs"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nbroken\r\n',
  '/injected': head => switchedHead(head, ['Upgrade: websocket', 'Connection: Upgrade', 'X-A: 1\rX-B: 2']),
}

const upstream = await startRawAnswerer(t, (head, socket) => {
  const path = head.split(' ')[1]!
  if (path === '/silent') return
  if (path === '/cut') return socket.resetAndDestroy()
  const answer = answers[path]!(head)
  if (path === '/500') socket.end(answer, 'latin1')
  else socket.write(answer, 'latin1')
})
const { url, headers, key, gateway } = await startFront(t, upstream.url, { upstream: 'headersTimeout: 300ms, connectTimeout: 300ms' })

const passedOn: [path: string, expected: RegExp][] = [
  ['/401', /^HTTP\/1.1 401 Unauthorized\r\n[^]*www-authenticate: Basic\r\n[^]*\r\n\r\nnope$/i],
  ['/426', /^HTTP\/1.1 426 [^]*sec-websocket-version: 13, 8\r\n/i],
  ['/302', /^HTTP\/1.1 302 [^]*location: \/elsewhere\r\n[^]*3\r\nabc\r\n0\r\n\r\n$/i],
  ['/500', /^HTTP\/1.1 500 [^]*d\r\nuntil the end\r\n0\r\n\r\n$/i],
  ['/200', /^HTTP\/1.1 200 OK\r\n[^]*ok$/i],
]

t.test('an answer other than 101 is passed on, as the last of its connection', async t => {
  for (const [path, expected] of passedOn) {
    const client = await connectTo(t, url)
    // What follows belonged to the WebSocket that there isn't.
    client.write(upgradeHead(path, { more: [`x-api-key: ${key}`, 'x-request-id: ours'] }) + `GET /second HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n`)
    await until(() => expected.test(client.received), `the answer of ${path}`).catch(() => t.match(client.received, expected))
    t.match(client.received, /\r\nconnection: close\r\n/i)
    t.match(client.received, /\r\nx-request-id: ours\r\n/i)
    t.notMatch(client.received, /theirs|x-hop/i)
    await until(() => client.isClosed || client.socket.readableEnded, 'the connection ends')
    t.equal(client.received.match(/HTTP\/1\.1/g)?.length, 1, 'nothing else is answered')
  }
  t.notOk(upstream.connections.some(({ received }) => received.includes('/second')), 'nor is anything else executed')
  t.equal((await usageRows(gateway, '/401'))[0]!.status_code, 401)
})

t.test('an interim answer before the 101 is left out', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/103', { more: [`x-api-key: ${key}`] }))
  await client.sees('\r\n\r\n')
  t.match(client.received, /^HTTP\/1\.1 101 /)
})

const faulty = ['/accept', '/no-accept', '/no-upgrade', '/no-connection', '/h2c', '/garbage', '/endless', '/broken-body', '/injected', '/cut']

t.test('an answer that RFC 6455 or HTTP rules out is a 502', async t => {
  for (const path of faulty) {
    const refusal = await new WebSocketClient(t, url + path, { headers }).refused()
    t.match(refusal, { status: 502, headers: { 'content-type': 'application/problem+json', connection: 'close' } }, path)
    t.equal(JSON.parse(refusal.body).code, 'upstream_unreachable')
    t.notOk('etag' in refusal.headers)
  }
  await until(() => upstream.connections.every(({ received, isEnded, isClosed }) => !faulty.some(path => received.includes(`GET ${path} `)) || isEnded || isClosed), 'those connections were given up')
})

t.test('an upstream that says nothing, or that there is none, is a 504 or 502', async t => {
  const silent = await new WebSocketClient(t, `${url}/silent`, { headers }).refused()
  t.equal(JSON.parse(silent.body).code, 'upstream_timeout')
  t.equal(silent.status, 504)

  const gone = await closedPort(t)
  const nowhere = await startFront(t, `http://127.0.0.1:${gone}`)
  const refused = await new WebSocketClient(t, nowhere.url, { headers: nowhere.headers }).refused()
  t.equal(refused.status, 502)

  const real = await startWebSocketUpstream(t)
  const either = await startFront(t, [`http://127.0.0.1:${gone}`, real.url], { upstream: 'retries: 1' })
  for (let i = 0; i < 4; i++) (await new WebSocketClient(t, either.url, { headers: either.headers }).opened()).socket.close()
  t.equal(real.upgrades.length, 4, 'where another target may be tried, it is')
})

t.test('a client that leaves before the answer ends the attempt', async t => {
  const client = await connectTo(t, url)
  const before = upstream.connections.length
  const slow = await startRawAnswerer(t, () => {})
  const front = await startFront(t, slow.url)
  const leaving = await connectTo(t, front.url)
  leaving.write(upgradeHead('/left', { more: [`x-api-key: ${front.key}`] }))
  await until(() => slow.connections.length === 1 && slow.connections[0]!.received.includes('/left'), 'the upstream was asked')
  leaving.socket.destroy()
  await until(() => slow.connections[0]!.isEnded || slow.connections[0]!.isClosed, 'its connection is given up')
  t.equal((await usageRows(front.gateway, '/left'))[0]!.status_code, 499)
  client.socket.destroy()
  t.equal(upstream.connections.length, before)
})

async function closedPort (t: Test): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  await t.rejects(new Promise((resolve, reject) => { connect(port, '127.0.0.1').once('connect', resolve).once('error', reject) }))
  return port
}
