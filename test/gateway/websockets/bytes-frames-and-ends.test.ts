import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import t from 'tap'
import { startFront } from '../../support/front.ts'
import { connectTo } from '../../support/raw-connection.ts'
import { frame, startRawAnswerer, switchedHead, upgradeHead } from '../../support/raw-websocket.ts'
import { until } from '../../support/until.ts'
import { usageRows } from '../../support/usage-rows.ts'

const upstream = await startRawAnswerer(t, (head, socket) => {
  // What comes with the answer's head belongs to the client.
  if (head.startsWith('GET /slow ')) {
    setTimeout(() => socket.write(switchedHead(head), 'latin1'), 100)
  } else if (head.startsWith('GET /large ')) {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n' + 'x'.repeat(4_000_000))
  } else if (head.startsWith('GET /first')) {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n${'x'.repeat(4_000_000)}`)
  } else {
    socket.write(switchedHead(head) + frame(1, 'early'), 'latin1')
  }
})
const { url, key, gateway, keyId } = await startFront(t, upstream.url, { upstream: 'bodyTimeout: 500ms' })
const withKey = { more: [`x-api-key: ${key}`] }

function connectionFor (path: string) {
  const connection = upstream.connections.find(({ received }) => received.startsWith(`GET ${path} `))
  if (connection === undefined) throw new Error(`nothing came for ${path}`)
  return connection
}

t.test('bytes that come with either head are passed on, in order', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/slow', withKey) + 'sent before the answer,')
  await client.sees('101 Switching')
  client.write(' and after it')
  const theirs = connectionFor('/slow')
  await until(() => theirs.received.endsWith('\r\n\r\nsent before the answer, and after it'), 'both arrive')

  const other = await connectTo(t, url)
  other.write(upgradeHead('/early', withKey))
  await other.sees('early')
  t.match(other.received, /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*\r\nx-request-id: /)
  t.ok(other.received.endsWith(`\r\n\r\n${frame(1, 'early')}`))
})

t.test('either side may end before the other', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/client-ends', withKey))
  await client.sees('early')
  client.socket.end('last words')
  const theirs = connectionFor('/client-ends')
  await until(() => theirs.isEnded && theirs.received.endsWith('last words'), 'the end arrives behind the bytes')
  theirs.socket.end('and mine')
  await client.sees('and mine')
  await client.closed()

  const other = await connectTo(t, url)
  other.write(upgradeHead('/upstream-ends', withKey))
  await other.sees('early')
  const upstreams = connectionFor('/upstream-ends')
  upstreams.socket.end('bye')
  await other.sees('bye')
  await until(() => other.isClosed || other.socket.readableEnded, 'the end arrives')
  t.pass('bytes written behind the other side\'s end still arrive')
})

t.test('a side that is reset resets nothing but its tunnel, and one that only half ends is not waited for in silence', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/reset', withKey))
  await client.sees('early')
  client.socket.resetAndDestroy()
  const theirs = connectionFor('/reset')
  await until(() => theirs.isClosed || theirs.isEnded, 'the upstream is let go of')

  const other = await connectTo(t, url)
  other.write(upgradeHead('/upstream-reset', withKey))
  await other.sees('early')
  connectionFor('/upstream-reset').socket.resetAndDestroy()
  await other.closed()

  const halfOpen = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => halfOpen.destroy())
  halfOpen.on('error', () => {})
  halfOpen.resume()
  halfOpen.write(upgradeHead('/half', withKey))
  await until(() => upstream.connections.some(({ received }) => received.startsWith('GET /half ')), 'the tunnel is open')
  const half = connectionFor('/half')
  await until(() => halfOpen.bytesRead > 0, 'it is answered')
  half.socket.end()
  await until(() => half.isEnded || half.isClosed, 'after bodyTimeout of silence the rest is ended')
  t.equal((await usageRows(gateway, '/half'))[0]!.status_code, 101)
})

t.test('a side that does not read holds the other back', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/back-pressure', withKey))
  await client.sees('early')
  client.socket.pause()
  const theirs = connectionFor('/back-pressure').socket
  const chunk = randomBytes(65_536)
  let sentBytes = 0
  const bound = 64 * 1024 * 1024
  while (theirs.writableLength < 1_000_000 && sentBytes < bound) {
    theirs.write(chunk)
    sentBytes += chunk.length
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(sentBytes < bound, `stopped after ${sentBytes} bytes`)
  const before = client.received.length
  client.socket.resume()
  await until(() => client.received.length - before >= sentBytes, 'all arrive once it reads')
  client.socket.destroy()
})

t.test('requests pipelined before an upgrade are answered first, in full', async t => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let received = 0
  let tail = ''
  socket.setEncoding('latin1')
  socket.write(`GET /first HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n${upgradeHead('/behind', withKey)}early bytes`)
  // Read slowly at first, so that the first answer fills every buffer.
  await until(() => upstream.connections.some(({ received }) => received.startsWith('GET /first ')), 'the first was forwarded')
  t.notOk(upstream.connections.some(({ received }) => received.startsWith('GET /behind ')), 'the upgrade waits for its turn')
  socket.on('data', (text: string) => {
    received += text.length
    tail = (tail + text).slice(-400)
  })
  await until(() => tail.includes('early') && tail.includes('101 Switching'), 'the upgrade is answered behind it')
  t.ok(received > 4_000_000)
  const theirs = connectionFor('/behind')
  await until(() => theirs.received.endsWith('early bytes'), 'and what came early is passed on')
})

t.test('a refusal larger than all buffers arrives in full', async t => {
  const client = await connectTo(t, url)
  client.write(upgradeHead('/large', withKey) + 'x'.repeat(10_000))
  await client.sees('\r\n\r\n')
  await until(() => client.isClosed || client.socket.readableEnded, 'the answer ends')
  t.equal(client.received.slice(client.received.indexOf('\r\n\r\n') + 4).length, 4_000_000)
})

t.test('a key that ends does so at the end of a frame, and nothing of the client passes any more', async t => {
  const { key: doomed, apiKey } = await gateway.createKey({ scopes: ['all:use'] })
  const client = await connectTo(t, url)
  client.write(upgradeHead('/in-frame', { more: [`x-api-key: ${doomed}`] }))
  await client.sees('early')
  const theirs = connectionFor('/in-frame')
  // The first half of a frame of 10 bytes; the other half comes once the key is gone.
  theirs.socket.write('\x82\x0a12345', 'latin1')
  await client.sees('12345')
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
  await until(() => theirs.received.includes('\x88\x82\x00\x00\x00\x00\x03\xe9') || theirs.isEnded, 'the upstream is told to go')
  client.write('too late')
  theirs.socket.write('67890\x81\x04next', 'latin1')
  await client.sees('key revoked')
  t.ok(client.received.endsWith('\x82\x0a1234567890\x88\x0d\x03\xf0key revoked'), 'the Close frame stands behind the whole frame')
  client.socket.end('\x88\x80\x00\x00\x00\x00', 'latin1')
  await client.closed()
  t.notOk(theirs.received.includes('too late'))

  const silent = await gateway.createKey({ scopes: ['all:use'] })
  const stubborn = await connectTo(t, url)
  stubborn.write(upgradeHead('/stubborn', { more: [`x-api-key: ${silent.key}`] }))
  await stubborn.sees('early')
  connectionFor('/stubborn').socket.write('\x82\x0a12345', 'latin1')
  await stubborn.sees('12345')
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [silent.apiKey.id])
  await stubborn.closed()
  t.ok(stubborn.received.endsWith('12345'), 'a frame that does not end is not waited for')
  t.ok(keyId !== silent.apiKey.id)
})
