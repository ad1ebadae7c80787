import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { usageRows } from '../support/usage-rows.ts'

// An upstream that speaks in bytes: what it answers is named by the path.
const answers: Record<string, (socket: Socket) => void> = {
  '/resets': socket => socket.resetAndDestroy(),
  '/closes': socket => socket.end(),
  '/garbage': socket => socket.end('this is not HTTP\r\n\r\n'),
  '/half-a-head': socket => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
  '/status-999': socket => socket.end('HTTP/1.1 999 Odd\r\ncontent-encoding: gzip\r\nset-cookie: a=b\r\ncontent-length: 3\r\n\r\nabc'),
  '/status-099': socket => socket.end('HTTP/1.1 099 Odd\r\ncontent-length: 3\r\n\r\nabc'),
  '/switches': socket => socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  '/two-lengths': socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd'),
  '/resets-in-the-body': socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun', () => { bodyBegun.push(socket) }),
  '/closes-in-the-chunks': socket => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n', () => { bodyBegun.push(socket) }),
  '/closes-with-the-head': socket => socket.end('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nset-cookie: a=b\r\ncontent-length: 100\r\n\r\n'),
  '/no-head': () => {},
  '/no-body': socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun'),
  '/busy': socket => socket.end('HTTP/1.1 503 Busy\r\nretry-after: 0\r\nx-own: yes\r\ncontent-length: 4\r\n\r\nbusy'),
}
const bodyBegun: Socket[] = []
const asked: string[] = []
const server = createServer(socket => {
  socket.on('error', () => {})
  socket.on('data', bytes => {
    const [method = '', path = ''] = bytes.toString().split(' ', 2)
    asked.push(`${method} ${path}`)
    answers[path.split('?', 1)[0]!]?.(socket)
  })
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => { server.close() })
const { port } = server.address() as AddressInfo

const front = await startFront(t, `http://127.0.0.1:${port}`, { upstream: 'headersTimeout: 1s, bodyTimeout: 1s, retries: 2' })
const { url, headers, gateway, key } = front

for (const path of ['/resets', '/closes', '/garbage', '/half-a-head', '/status-999', '/status-099', '/switches', '/two-lengths']) {
  for (const method of ['GET', 'POST']) {
    t.test(`${method}: an upstream that ${path.slice(1).replaceAll('-', ' ')} is a 502`, async t => {
      const target = `${path}?${method}`
      const answer = await send(url + target, { method, headers: { ...headers, 'x-request-id': 'mine' }, ...method === 'POST' ? { body: 'x' } : {} })
      t.match(answer, { status: 502, code: 'upstream_unreachable' })
      t.equal(answer.headers['x-request-id'], 'mine')
      t.equal(answer.headers['set-cookie'], undefined, 'nothing of the failed answer is passed on')
      t.equal(answer.headers['content-encoding'], undefined)
      const tries = asked.filter(line => line === `${method} ${target}`).length
      if (method === 'POST') t.equal(tries, 1, 'it is not tried again')
      else t.ok(tries >= 1 && tries <= 3, 'it is tried at most three times', { tries })
    })
  }
}

t.test('a refused connection is a 502', async t => {
  const gone = createServer()
  await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as AddressInfo
  await new Promise(resolve => gone.close(resolve))
  const { url, headers } = await startFront(t, `http://127.0.0.1:${port}`)
  for (const method of ['GET', 'POST']) t.match(await send(url, { method, headers }), { status: 502, code: 'upstream_unreachable' })
})

for (const path of ['/resets-in-the-body', '/closes-in-the-chunks']) {
  t.test(`an upstream that ${path.slice(1).replaceAll('-', ' ')} breaks the client's answer off, too`, async t => {
    const client = await connectTo(t, url)
    client.write(`GET ${path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`)
    await client.sees('begun')
    if (path.startsWith('/resets')) bodyBegun.pop()!.resetAndDestroy()
    else bodyBegun.pop()!.end()
    await client.closed()
    t.match(client.received, /^HTTP\/1\.1 200 /)
    t.notOk(client.received.endsWith('0\r\n\r\n'), 'half an answer never looks like a whole one')
    t.match(await usageRows(gateway, path), [{ status_code: 502 }])
    t.equal(asked.filter(line => line === `GET ${path}`).length, 1, 'it is not tried again')
  })
}

t.test('an upstream that closes with the head alone is a 502, or breaks the answer off', async t => {
  const client = await connectTo(t, url)
  client.write(`GET /closes-with-the-head HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-api-key: ${key}\r\n\r\n`)
  await client.closed()
  if (client.received.includes('502')) t.notMatch(client.received, /set-cookie|content-encoding/)
  else t.notMatch(client.received, /\r\n\r\n./)
  t.match(await usageRows(gateway, '/closes-with-the-head'), [{ status_code: 502 }])
})

t.test('an upstream that does not answer in time is a 504', async t => {
  for (const method of ['GET', 'POST']) {
    const { length } = asked
    t.match(await send(`${url}/no-head`, { method, headers }), { status: 504, code: 'upstream_timeout' })
    t.equal(asked.length, length + 1, 'it is not tried again')
  }
})

t.test('an upstream that stops in its body breaks the client\'s answer off', async t => {
  const client = await connectTo(t, url)
  client.write(`GET /no-body HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`)
  await client.sees('begun')
  await client.closed()
  t.match(await usageRows(gateway, '/no-body'), [{ status_code: 504 }])
})

t.test('an upstream\'s own 503 is passed on, and never tried again', async t => {
  for (const method of ['GET', 'POST']) {
    const { length } = asked
    const answer = await send(`${url}/busy`, { method, headers })
    t.match(answer, { status: 503, text: 'busy', code: undefined })
    t.equal(answer.headers['retry-after'], '0')
    t.equal(answer.headers['x-own'], 'yes')
    t.equal(asked.length, length + 1)
  }
})

t.test('each failure of the upstream is counted once, by what the client was told, and nothing else is', async t => {
  const failures = async () => {
    const series = await scrape(gateway.adminUrl)
    const of = (code: string) => series.get(`latchkey_upstream_failures_total{upstream="target",code="${code}"}`) ?? 0
    return { unreachable: of('upstream_unreachable'), timeout: of('upstream_timeout'), overloaded: of('overloaded') }
  }
  const head = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n${more}\r\n`
  const before = await failures()
  t.ok(before.unreachable > 0 && before.timeout > 0, 'all of the above', before)
  t.equal(before.overloaded, 0)

  await send(`${url}/resets?counted`, { headers })
  await send(`${url}/no-head?counted`, { headers })
  const upgrade = await connectTo(t, url)
  upgrade.write(head('GET /resets', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'))
  await upgrade.closed()
  t.match(upgrade.received, /^HTTP\/1\.1 502 /)

  await send(`${url}/busy`, { headers })
  await send(`${url}/missing`, { headers: {} })
  const leaver = await connectTo(t, url)
  leaver.write(head('GET /no-head?left'))
  await until(() => asked.includes('GET /no-head?left'), 'the upstream has the request')
  leaver.socket.destroy()
  const quitter = await connectTo(t, url)
  quitter.write(head('POST /no-head?quit', 'Transfer-Encoding: chunked\r\n') + '5\r\nhello\r\n')
  await until(() => asked.includes('POST /no-head?quit'), 'the upstream has the head')
  quitter.socket.resetAndDestroy()
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_open_streams{kind="response"}') === 0, 'all have ended')

  t.same(await failures(), { unreachable: before.unreachable + 2, timeout: before.timeout + 1, overloaded: 0 })
})

t.test('no failure was taken for a fault of the gateway', async t => {
  t.same(gateway.logs.filter(line => line.includes('"level":50') || line.includes('"level":60')), [])
})
