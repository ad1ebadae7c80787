import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { upgradeHead } from '../support/raw-websocket.ts'
import { until } from '../support/until.ts'
import { usageRows } from '../support/usage-rows.ts'

/** What an upstream sends first, and then for ever. */
interface Endless {
  readonly first: string
  readonly again: string
  readonly method?: 'GET' | 'HEAD'
  readonly isUpgrade?: true
  /**
   * What the client gets instead; `cut`: what has begun is broken off, or a 502 where nothing had; `whole`: an answer
   * without the rest; `either`: what nobody keeps (undici drops blanks and reasons as they come) is bounded by size or
   * by the upstream's time-outs, a 502 or a 504.
   */
  readonly comes: 502 | 504 | 'either' | 'cut' | 'whole'
}

const x = 'x'.repeat(16_000)
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
const cases: Record<string, Endless> = {
  'an endless status line': { first: 'HTTP/1.1 200 ', again: x, comes: 'either' },
  'an endless header name': { first: 'HTTP/1.1 200 OK\r\n', again: x, comes: 502 },
  'an endless header value': { first: 'HTTP/1.1 200 OK\r\na: ', again: x, comes: 502 },
  'endless header lines': { first: 'HTTP/1.1 200 OK\r\n', again: 'a: b\r\n'.repeat(1_000), comes: 502 },
  'endless blanks before a value': { first: 'HTTP/1.1 200 OK\r\na:', again: ' '.repeat(16_000), comes: 'either' },
  'endless empty lines before the answer': { first: '\r\n', again: '\r\n'.repeat(8_000), comes: 502 },
  'endless interim answers': { first: '', again: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500), comes: 'either' },
  'an endless head of HTTP/1.0': { first: 'HTTP/1.0 200 OK\r\na: ', again: x, comes: 502 },
  'an endless interim answer': { first: 'HTTP/1.1 103 Early Hints\r\na: ', again: x, comes: 502 },
  'an endless chunk size': { first: chunked, again: '0'.repeat(16_000), comes: 'cut' },
  'an endless chunk extension': { first: `${chunked}2;a=`, again: x, comes: 'cut' },
  'endless chunk extensions': { first: `${chunked}2`, again: ';a=b'.repeat(4_000), comes: 'cut' },
  'an endless extension of the last chunk': { first: `${chunked}2\r\nok\r\n0;a=`, again: x, comes: 'cut' },
  'endless trailers': { first: `${chunked}2\r\nok\r\n0\r\n`, again: 'a: b\r\n'.repeat(1_000), comes: 'cut' },
  'an endless trailer': { first: `${chunked}2\r\nok\r\n0\r\na: `, again: x, comes: 'cut' },
  'an endless body to HEAD': { first: 'HTTP/1.1 200 OK\r\n\r\n', again: x, method: 'HEAD', comes: 'whole' },
  'an endless body of a 204': { first: 'HTTP/1.1 204 No Content\r\n\r\n', again: x, comes: 'whole' },
  'an endless body of a 205': { first: 'HTTP/1.1 205 Reset Content\r\n\r\n', again: x, comes: 'whole' },
  'an endless body of a 304': { first: 'HTTP/1.1 304 Not Modified\r\n\r\n', again: x, comes: 'whole' },
  'an endless body behind the end of an answer': { first: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', again: x, comes: 'whole' },
  'an endless header value to an upgrade': { first: 'HTTP/1.1 101 Switching Protocols\r\na: ', again: x, isUpgrade: true, comes: 502 },
  'endless header lines to an upgrade': { first: 'HTTP/1.1 101 Switching Protocols\r\n', again: 'a: b\r\n'.repeat(1_000), isUpgrade: true, comes: 502 },
  'endless interim answers to an upgrade': { first: '', again: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500), isUpgrade: true, comes: 504 },
}

interface Flow { socket: Socket, sentBytes: number, isClosed: boolean }
const flows = new Map<string, Flow>()
const server = createServer(socket => {
  socket.on('error', () => {})
  socket.once('data', head => {
    const path = head.toString().split(' ', 2)[1]!
    const flow: Flow = { socket, sentBytes: 0, isClosed: false }
    flows.set(path, flow)
    socket.resume()
    socket.once('close', () => { flow.isClosed = true })
    const { first, again } = Object.values(cases)[Number(path.slice(1))] ?? { first: 'HTTP/1.1 200 OK\r\n\r\n', again: x }
    socket.write(first)
    // One write at a time, each when the one before has left: no more is under way than the sockets take.
    const pump = () => {
      if (flow.isClosed) return
      flow.sentBytes += again.length
      socket.write(again, () => setImmediate(pump))
    }
    pump()
  })
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => {
  server.close()
  for (const { socket } of flows.values()) socket.destroy()
})
const { url, key, gateway } = await startFront(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, { upstream: 'headersTimeout: 2s, bodyTimeout: 2s, retries: 0' })
const lines = ['Host: gateway', `x-api-key: ${key}`]

t.test('what has no end is bounded wherever an answer is held', async t => {
  await Promise.all(Object.entries(cases).map(async ([name, { method = 'GET', isUpgrade, comes }], index) => {
    const path = `/${index}`
    const client = await connectTo(t, url)
    client.write(isUpgrade === true ? upgradeHead(path, { more: lines.slice(1) }) : [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
    await until(() => flows.get(path)?.isClosed === true, `the connection to the upstream is closed: ${name}`, { timeoutMs: 20_000 })
    const { sentBytes } = flows.get(path)!
    await client.sees('\r\n\r\n')
    t.comment(`${name}: ${Math.round(sentBytes / 1024)} KiB sent, ${client.received.length} bytes received`)
    const status = Number(client.received.slice(9, 12))
    if (comes === 'cut' && status !== 502) await client.closed()
    if (typeof comes === 'number') t.equal(status, comes, name)
    else if (comes === 'either') t.ok(status === 502 || status === 504, name, { status })
    else if (comes === 'cut') t.notOk(client.received.endsWith('0\r\n\r\n'), `${name}: never looks complete`)
    else t.ok(status >= 200 && status < 400, name, { status })
    t.ok(client.received.length < 5_000, `${name}: no more than that is passed on`)
    if (comes === 'cut') t.match(await usageRows(gateway, path), [{ status_code: /502|504/ }], name)
  }))
  t.same(gateway.logs.filter(line => line.includes('"level":50')), [])
})

t.test('an endless body flows for as long as the client stays', async t => {
  const client = await connectTo(t, url)
  client.socket.removeAllListeners('data')
  let readBytes = 0
  client.socket.on('data', (text: string) => { readBytes += text.length })
  client.write(['GET /endless HTTP/1.1', ...lines, '', ''].join('\r\n'))
  await until(() => readBytes > 32 * 1024 ** 2, 'it flows')
  client.socket.destroy()
  await until(() => flows.get('/endless')!.isClosed, 'the connection to the upstream is closed')
  t.match(await usageRows(gateway, '/endless'), [{ status_code: 499 }])
})
