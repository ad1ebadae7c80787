import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startUpstream } from '../support/upstream.ts'

const body = 'line one\r\n\r\n0\r\n\r\nüñ\0'

t.test('every method arrives as sent, with its body or without', async t => {
  const upstream = await startUpstream(t)
  const { url, headers } = await startFront(t, upstream.url)

  for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'PROPFIND']) {
    const { status } = await send(`${url}/without`, { method, headers })
    t.equal(status, 200, `${method} without a body is answered`)
    const seen = upstream.seen.at(-1)!
    t.match(seen, { method, url: '/without', body: '' })
    t.equal(seen.headers['transfer-encoding'], undefined, `${method} without a body isn't framed as one with`)
  }
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'QUERY', 'REPORT']) {
    const connection = await connectTo(t, url)
    const bytes = Buffer.from(body)
    connection.write(`${method} /with HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${headers['x-api-key']}\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`)
    connection.write(bytes)
    await connection.sees('{"ok":true}')
    t.match(upstream.seen.at(-1), { method, url: '/with', body }, `${method} with a body arrives whole`)
  }
})

t.test('a body arrives whole, however it was framed', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  const begin = (method: string) => `${method} / HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n`

  for (const method of ['POST', 'GET', 'DELETE']) {
    connection.received = ''
    connection.write(`${begin(method)}Transfer-Encoding: chunked\r\n\r\n5;note="x"\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: dropped\r\nx-latchkey-user-id: forged\r\n\r\n`)
    await connection.sees('{"ok":true}')
    t.match(upstream.seen.at(-1), { method, body: 'hello world' })
    const { 'transfer-encoding': chunked, 'content-length': length } = upstream.seen.at(-1)!.headers
    t.ok(length === undefined ? chunked === 'chunked' : length === '11' && chunked === undefined, 'framed in one way')
    t.notOk(upstream.seen.at(-1)!.rawHeaders.join().includes('forged'), 'a trailer is no header')

    connection.received = ''
    connection.write(`${begin(method)}Content-Length: 5\r\n\r\nhello`)
    await connection.sees('{"ok":true}')
    t.match(upstream.seen.at(-1), { method, body: 'hello', headers: { 'content-length': '5', 'transfer-encoding': undefined } })

    connection.received = ''
    connection.write(`${begin(method)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)
    await connection.sees('{"ok":true}')
    t.match(upstream.seen.at(-1), { method, body: '' })

    connection.received = ''
    connection.write(`${begin(method)}Content-Length: 0\r\n\r\n`)
    await connection.sees('{"ok":true}')
    t.match(upstream.seen.at(-1), { method, body: '' })
  }
  t.equal(upstream.seen.length, 12, 'each message was one request, and all used one connection')
})

t.test('a compressed body passes untouched, both ways', async t => {
  const bytes = gzipSync('{"compressed":true}'.repeat(100))
  let received = Buffer.alloc(0)
  const upstream = await startUpstream(t, (_request, response) => {
    received = Buffer.from(upstream.seen.at(-1)!.headers['x-body-base64'] as string, 'base64')
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': bytes.length, etag: '"x"', vary: 'accept-encoding' })
    response.end(bytes)
  })
  const { url, headers } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  connection.write(`POST / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-api-key: ${headers['x-api-key']}\r\nContent-Encoding: gzip\r\nAccept-Encoding: gzip\r\nx-body-base64: ${bytes.toString('base64')}\r\nContent-Length: ${bytes.length}\r\n\r\n`)
  connection.write(bytes)
  await connection.closed()

  t.match(upstream.seen[0]!.headers, { 'content-encoding': 'gzip', 'accept-encoding': 'gzip', 'content-length': String(bytes.length) })
  t.same(received, bytes)
  const [head = '', answer = ''] = connection.received.split('\r\n\r\n', 2)
  t.match(head, /content-encoding: gzip/i)
  t.match(head, /etag: "x"/i)
  t.equal(gunzipSync(Buffer.from(connection.received.slice(head.length + 4), 'latin1')).toString(), '{"compressed":true}'.repeat(100))
  t.ok(answer.length > 0)
})

t.test('a body arrives whatever its media type is, or claims to be', async t => {
  const bodies: Buffer[] = []
  const upstream = await startUpstream(t)
  upstream.server.prependListener('request', request => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => bodies.push(Buffer.concat(chunks)))
  })
  const { url, headers } = await startFront(t, upstream.url)
  const bytes = gzipSync('x'.repeat(10_000))
  for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/octet-stream', 'no media type', '/', 'a/b; charset="']) {
    for (const method of ['POST', 'PUT', 'QUERY', 'DELETE']) {
      const { status } = await send(url, { method, headers: { ...headers, 'content-encoding': 'gzip', 'content-type': type }, body: bytes })
      t.equal(status, 200, `${method} ${type}`)
      t.equal(upstream.seen.at(-1)!.headers['content-type'], type)
      t.ok(bodies.pop()?.equals(bytes), 'the same bytes')
    }
  }
})
