import type { ServerResponse } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

/** What arrived, in order: method, path and body. */
const arrived: string[] = []
const held: (() => void)[] = []
const early: ServerResponse[] = []
let letGo = 0
const upstream = await startRawUpstream(t, (request, response) => {
  response.once('close', () => { if (!response.writableEnded) letGo++ })
  if (request.url === '/early') {
    early.push(response)
    response.write('first')
    return
  }
  let body = ''
  request.setEncoding('latin1').on('data', (text: string) => { body += text })
  request.on('error', () => {})
  request.on('end', () => {
    arrived.push(`${request.method} ${request.url} ${body}`)
    if (request.url!.startsWith('/held')) held.push(() => response.end(`<${request.url}>`))
    else response.end(`<${request.url}>`)
  })
})
const { url, key, gateway } = await startFront(t, upstream.url, {
  sections: 'gateway: { keepAliveTimeout: 2s }',
  upstream: 'headersTimeout: 2m',
  routes: ['id: open, path: /open/*, auth: none'],
})
const head = (line: string, ...lines: string[]) => [`${line} HTTP/1.1`, 'Host: gateway', `x-api-key: ${key}`, ...lines, '', ''].join('\r\n')
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
t.beforeEach(() => {
  arrived.length = 0
  held.length = 0
})

t.test('requests of every kind on one connection, one after the other', async t => {
  const client = await connectTo(t, url)
  const kinds: readonly (readonly [path: string, request: string, arrives: string])[] = [
    ['/plain', head('GET /plain'), 'GET /plain '],
    ['/with-body', `${head('POST /with-body', 'Content-Length: 5')}hello`, 'POST /with-body hello'],
    ['/chunked', `${head('POST /chunked', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`, 'POST /chunked hello'],
    ['/again', head('GET /again'), 'GET /again '],
    ['/last', head('GET /last', 'Connection: close'), 'GET /last '],
  ]
  for (const [path, request] of kinds) {
    client.write(request)
    await client.sees(`<${path}>`)
  }
  await client.closed()
  t.same(arrived, kinds.map(([, , arrives]) => arrives))
  t.same(statuses(client.received), [200, 200, 200, 200, 200])
})

t.test('requests that come while one is under way wait for their turn, and are then answered in order', async t => {
  const client = await connectTo(t, url)
  client.write(head('GET /held/1'))
  await until(() => held.length === 1, 'the first is under way')
  client.write(head('GET /2') + head('GET /3').slice(0, 20))
  client.write(`${head('GET /3').slice(20)}${head('POST /4', 'Content-Length: 4')}four`)
  const other = await connectTo(t, url)
  other.write(head('GET /other'))
  await other.sees('</other>')
  t.same(arrived, ['GET /held/1 ', 'GET /other '])
  held[0]!()
  await client.sees('</4>')
  t.same(arrived, ['GET /held/1 ', 'GET /other ', 'GET /2 ', 'GET /3 ', 'POST /4 four'])
  t.match(client.received, /<\/held\/1>[^]*<\/2>[^]*<\/3>[^]*<\/4>/)
})

t.test('several in one piece', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('GET /a')}${head('POST /b', 'Content-Length: 1')}b${head('GET /c')}`)
  await client.sees('</c>')
  t.same(arrived, ['GET /a ', 'POST /b b', 'GET /c '])
})

t.test('a body in pieces, with the next request in its last', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('POST /pieces', 'Content-Length: 10')}abc`)
  const other = await connectTo(t, url)
  other.write(head('GET /other'))
  await other.sees('</other>')
  client.write('def')
  client.write(`ghij${head('GET /next')}`)
  await client.sees('</next>')
  t.same(arrived, ['GET /other ', 'POST /pieces abcdefghij', 'GET /next '])
})

t.test('what comes behind the end of a body is a request, whatever it looks like', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('POST /short', 'Content-Length: 3')}abcdef`)
  await client.closed()
  t.same(arrived, ['POST /short abc'])
  t.same(statuses(client.received).slice(0, 1), [200])
  t.match(client.received, /HTTP\/1\.1 400 [^]*"code":"bad_request"/)
})

t.test('the rest of a refused request\'s body is dropped, and the connection goes on', async t => {
  const client = await connectTo(t, url)
  client.write('POST /refused HTTP/1.1\r\nHost: gateway\r\nx-api-key: junk\r\nContent-Length: 20000\r\n\r\nthe beginning')
  await client.sees('"code":"invalid_key"')
  client.write('x'.repeat(20_000 - 'the beginning'.length) + head('GET /behind'))
  await client.sees('</behind>')
  t.same(arrived, ['GET /behind '])
  t.same(statuses(client.received), [401, 200])
})

t.test('a client that ends its side behind its request gets its answer, and the connection ends with it', async t => {
  for (const path of ['/at-once', '/held/for-a-while', '/-/live']) {
    held.length = 0
    const client = await connectTo(t, url)
    client.socket.end(head(`GET ${path}`))
    if (path.startsWith('/held')) {
      await until(() => held.length === 1, 'it is under way')
      held[0]!()
    }
    await client.closed()
    t.same(statuses(client.received).filter(status => status !== 100), [200], path)
  }
})

t.test('a client that goes away in the midst of its body is recorded as such', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('POST /gone', 'Content-Length: 10')}abc`)
  client.socket.end()
  await client.closed()
  t.equal(client.received, '')
  t.match(await usageRows(gateway, '/gone'), [{ status_code: 499 }])
})

t.test('a client that goes away while it waits is let go, and its row says so', async t => {
  const client = await connectTo(t, url)
  client.write(head('GET /held/gone'))
  await until(() => held.length === 1, 'it is under way')
  client.socket.destroy()
  t.match(await usageRows(gateway, '/held/gone'), [{ status_code: 499 }])
})

t.test('answers have one Date and one end, whoever makes them', async t => {
  const client = await connectTo(t, url)
  for (const [line, end] of [['GET /plain', '</plain>'], ['GET /-/live', 'live\n'], ['GET /open/x', '</open/x>'], ['TRACE /plain', '']] as const) {
    client.received = ''
    client.write(head(line))
    await client.sees(end === '' ? '"code":' : end)
    const [top = ''] = client.received.split('\r\n\r\n')
    for (const name of ['date', 'content-length', 'x-request-id', 'connection']) t.equal(top.toLowerCase().split(`\r\n${name}:`).length, 2, `${line}: ${name}`)
  }
})

t.test('HEAD has the length of the body that it leaves out', async t => {
  const client = await connectTo(t, url)
  client.write(head('HEAD /nowhere', 'x-none: 1'))
  await client.sees('\r\n\r\n')
  client.write(head('HEAD /-/live'))
  await client.sees('content-length: 5')
  client.write('HEAD /a HTTP/1.1\r\nHost: gateway\r\n\r\n')
  await client.sees('HTTP/1.1 401')
  client.write(head('GET /behind'))
  await client.sees('</behind>')
  t.same(statuses(client.received), [200, 200, 401, 200])
  t.notMatch(client.received, /missing_key|live\n/)
})

t.test('behind an announced end nothing is begun, however close it follows', async t => {
  // The upstream's end is to be read before the client's bytes, by a connection that was opened before the client's.
  const warm = await Promise.all([1, 2, 3].map(async () => await connectTo(t, url)))
  for (const [i, client] of warm.entries()) client.write(head(`GET /held/${i}`))
  await until(() => held.length === 3, 'three connections to the upstream')
  for (const end of held) end()
  for (const client of warm) await client.sees('</held/')
  const client = await connectTo(t, url)
  client.write(`${head('POST /early', 'Content-Length: 10')}01234`)
  await client.sees('first')
  t.match(client.received, /connection: close/i)
  early[0]!.end()
  client.write(`56789${head('POST /behind-the-end', 'Content-Length: 0')}`)
  await client.closed()
  const other = await connectTo(t, url)
  other.write(head('GET /other'))
  await other.sees('</other>')
  t.same(arrived.filter(request => request.includes('behind-the-end')), [])
})

for (const pipelined of [false, true]) {
  t.test(`a client that leaves before its answer has come is noticed${pipelined ? ', also with another request behind the first' : ''}`, async () => {
    letGo = 0
    const client = await connectTo(t, url)
    client.write(head('GET /held/left'))
    await until(() => held.length === 1, 'it is under way')
    if (pipelined) {
      client.write(head('GET /behind'))
      const other = await connectTo(t, url)
      other.write(head('GET /other'))
      await other.sees('</other>')
    }
    client.socket.destroy()
    await until(() => letGo === 1, 'the upstream is let go')
  })
}

t.test('an idle connection ends, also where the rest of a refused body came bit by bit behind the answer', async t => {
  const client = await connectTo(t, url)
  client.write('POST / HTTP/1.1\r\nHost: gateway\r\nx-api-key: junk\r\nContent-Length: 10\r\n\r\n01234')
  await client.sees('"code":"invalid_key"')
  let sent = 0
  const trickle = setInterval(() => {
    client.write('x')
    if (++sent === 5) clearInterval(trickle)
  }, 300)
  t.teardown(() => clearInterval(trickle))
  await client.closed()
  t.equal(sent, 5)
})
