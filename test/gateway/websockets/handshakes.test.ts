import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../../support/front.ts'
import { connectTo } from '../../support/raw-connection.ts'
import { handshakeKey, upgradeHead } from '../../support/raw-websocket.ts'
import { ask } from '../../support/raw-http.ts'
import { until } from '../../support/until.ts'
import { usageRows } from '../../support/usage-rows.ts'
import { startUpstream } from '../../support/upstream.ts'
import { startWebSocketUpstream, WebSocketClient } from '../../support/websocket.ts'

const upstream = await startUpstream(t)
const { url, headers, key, gateway } = await startFront(t, upstream.url, { routes: ["id: get, path: '/get/*', methods: [GET]"] })
const webSockets = await startWebSocketUpstream(t)
const front = await startFront(t, webSockets.url, { routes: ["id: scoped, path: '/scoped/*', scopes: ['other:use']"] })

t.test('a handshake that RFC 6455 rules out is a 400, and its connection ends', async t => {
  const faulty: [what: string, change: Parameters<typeof upgradeHead>[1]][] = [
    ['no key', { without: 'Sec-WebSocket-Key' }],
    ['two keys', { more: [`Sec-WebSocket-Key: ${handshakeKey}`] }],
    ['a short key', { without: 'Sec-WebSocket-Key', more: ['Sec-WebSocket-Key: c2hvcnQ='] }],
    ['a key that is no base64', { without: 'Sec-WebSocket-Key', more: ['Sec-WebSocket-Key: ??????????????????????=='] }],
    ['no version', { without: 'Sec-WebSocket-Version' }],
    ['two versions', { more: ['Sec-WebSocket-Version: 8'] }],
  ]
  for (const [what, change] of faulty) {
    const client = await connectTo(t, front.url)
    client.write(upgradeHead('/', { ...change, more: [...change?.more ?? [], `x-api-key: ${front.key}`] }) + 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.sees('"code":"bad_request"')
    t.match(client.received, /^HTTP\/1\.1 400 [^]*connection: close/i, what)
    await until(() => client.isClosed || client.socket.readableEnded, 'the connection ends')
    t.equal(client.received.match(/HTTP\/1\.1 /g)?.length, 1)
  }
  t.equal(webSockets.upgrades.length, 0, 'no upstream was asked')
})

t.test('the key is checked before the upstream is dialled', async t => {
  const { key: revoked, apiKey } = await front.gateway.createKey({ scopes: ['all:use'] })
  await front.gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
  const refused: [path: string, headers: Record<string, string>, status: number, code: string][] = [
    ['/', {}, 401, 'missing_key'],
    ['/', { 'x-api-key': 'sk_live_x' }, 401, 'invalid_key'],
    ['/', { 'x-api-key': revoked }, 401, 'key_revoked'],
    ['/scoped/1', front.headers, 403, 'insufficient_scope'],
    ['/a//b', front.headers, 400, 'ambiguous_path'],
    ['/%zz', front.headers, 400, 'bad_request'],
    [`/?api_key=${front.key}`, {}, 401, 'missing_key'],
  ]
  for (const [path, sent, status, code] of refused) {
    const refusal = await new WebSocketClient(t, front.url + path, { headers: sent }).refused()
    t.match(refusal, { status, headers: { 'content-type': 'application/problem+json', connection: 'close' } }, code)
    t.equal(JSON.parse(refusal.body).code, code)
  }
  t.equal(webSockets.upgrades.length, 0)
  t.equal((await usageRows(front.gateway, '/scoped/1'))[0]!.status_code, 403, 'a proven key has its row')
  const only = await new WebSocketClient(t, `${url}/get/1`, { headers }).refused()
  t.match(only, { status: 200 }, 'an upstream that speaks no WebSocket answers as it does')
})

const ordinary: [what: string, method: string, lines: string[], body: string, version?: '1.0'][] = [
  ['h2c as curl asks for it', 'GET', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'], ''],
  ['h2c with a body', 'POST', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA', 'Content-Length: 4'], 'body'],
  ['h2c with a chunked body', 'PUT', ['Connection: Upgrade', 'Upgrade: h2c', 'Transfer-Encoding: chunked'], '4\r\nbody\r\n0\r\n\r\n'],
  ['WebSocket by POST', 'POST', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 4'], 'body'],
  ['WebSocket with a body', 'GET', ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${handshakeKey}`, 'Sec-WebSocket-Version: 13', 'Content-Length: 4'], 'body'],
  ['WebSocket in HTTP/1.0', 'GET', ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${handshakeKey}`, 'Sec-WebSocket-Version: 13'], '', '1.0'],
  ['an Upgrade that Connection does not name', 'GET', ['Upgrade: websocket', `Sec-WebSocket-Key: ${handshakeKey}`, 'Sec-WebSocket-Version: 13'], ''],
  ['a Connection without an Upgrade', 'GET', ['Connection: Upgrade', `Sec-WebSocket-Key: ${handshakeKey}`], ''],
  ['TLS', 'GET', ['Connection: Upgrade', 'Upgrade: TLS/1.0'], ''],
]

t.test('any other Upgrade is ignored, with its body', async t => {
  for (const [what, method, lines, body, version = '1.1'] of ordinary) {
    upstream.seen.length = 0
    const client = await connectTo(t, url)
    client.write([`${method} /first HTTP/${version}`, 'Host: gateway.test', `x-api-key: ${key}`, ...lines, '', body].join('\r\n'))
    await client.sees('{"ok":true}')
    t.match(client.received, /^HTTP\/1\.1 200 /, what)
    t.equal(upstream.seen[0]!.method, method)
    t.equal(upstream.seen[0]!.body, body === '' ? '' : 'body')
    t.notOk('upgrade' in upstream.seen[0]!.headers || 'http2-settings' in upstream.seen[0]!.headers)
    if (version === '1.0') continue
    if (body !== '') {
      // What follows a body in the same piece would be lost to the parser.
      t.match(client.received, /\r\nconnection: close\r\n/i, what)
      await client.closed()
      continue
    }
    client.write(`GET /second HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n`)
    await until(() => upstream.seen.length === 2, 'the connection lives on')
    t.equal(upstream.seen[1]!.url, '/second')
    client.socket.destroy()
  }
})

t.test('behind an ignored Upgrade, no body is run as a request', async t => {
  const accepted: Socket[] = []
  subscribe('net.server.socket', message => { accepted.push((message as { socket: Socket }).socket) })
  const head = (line: string, ...more: string[]) => [line, 'Host: gateway.test', `x-api-key: ${key}`, ...more, '', ''].join('\r\n')
  const ignored = head('GET /first HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c')
  const inBody = head('GET /smuggled HTTP/1.1')
  const behind = head('POST /second HTTP/1.1', `Content-Length: ${inBody.length}`)
  const upload = head('POST /first HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 4')
  const pieces = [
    [ignored + behind, inBody],
    // Its head's end, split; a second one that ends where the piece does.
    ...[1, 2, 3, 4].map(bytes => [ignored.slice(0, -bytes), ignored.slice(-bytes) + behind, inBody]),
    [head('GET /zeroth HTTP/1.1') + ignored + behind, inBody],
    [upload, `body${behind}`, inBody],
    [`${upload}body${behind}`, inBody],
  ]
  for (const [number, sent] of pieces.entries()) {
    upstream.seen.length = 0
    const client = await connectTo(t, url)
    client.socket.setNoDelay(true)
    let sentBytes = 0
    for (const piece of sent) {
      client.write(piece)
      sentBytes += piece.length
      // Each is read by itself, unless the gateway has stopped reading.
      await until(() => client.received !== '' || client.isClosed || bytesRead(accepted, client.socket) === sentBytes, 'the piece is read')
    }
    await client.closed()
    t.match(client.received, /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i, `case ${number}`)
    t.same(upstream.seen.map(({ url }) => url).filter(url => url !== '/zeroth'), ['/first'])
  }
})

/** What this process, as the server, has read from a client of its own. */
function bytesRead (accepted: readonly Socket[], client: Socket): number {
  return accepted.find(({ remotePort }) => remotePort === client.localPort)?.bytesRead ?? 0
}

t.test('the gateway answers for itself', async t => {
  const answer = await ask(url, { target: '/-/live', headers: ['Host: a', 'Upgrade: websocket', `Sec-WebSocket-Key: ${handshakeKey}`, 'Sec-WebSocket-Version: 13', 'Connection: Upgrade'] })
  t.equal(answer.status, 200)
  await until(() => gateway.server.isReady(), 'and goes on')
})
