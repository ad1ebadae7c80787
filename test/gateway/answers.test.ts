import type { ServerResponse } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('every status passes, 200 to 599', async t => {
  const upstream = await startUpstream(t, (request, response) => {
    const status = Number(request.url!.slice(1))
    response.writeHead(status, { 'x-status': String(status) })
    response.end(status === 204 || status === 304 ? undefined : `status ${status}`)
  })
  const { url, headers } = await startFront(t, upstream.url)
  for (const status of [200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300, 301, 302, 303, 304, 307, 308, 399, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 411, 412, 413, 418, 421, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 511, 599]) {
    const answer = await send(`${url}/${status}`, { headers })
    t.equal(answer.status, status)
    t.equal(answer.headers['x-status'], String(status), 'it is the upstream\'s own answer')
    t.equal(answer.text, status === 204 || status === 304 || status === 205 ? answer.text : `status ${status}`)
  }
  t.equal(upstream.seen.length, 45, 'nothing was asked twice')
})

t.test('204, 304 and the answer to HEAD have no body and keep their headers', async t => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/304') response.writeHead(304, { etag: '"v1"', 'cache-control': 'max-age=60', 'last-modified': 'Sat, 22 Nov 2025 00:00:00 GMT' }).end()
    else if (request.url === '/204') response.writeHead(204, { 'x-kept': 'yes' }).end()
    else response.writeHead(200, { 'content-length': '123456', 'content-type': 'text/html; charset=utf-8', etag: '"v2"' }).end()
  })
  const { url, key } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  const ask = async (line: string) => {
    connection.received = ''
    connection.write(`${line} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`)
    await connection.sees('\r\n\r\n')
    return connection.received
  }

  const notModified = await ask('GET /304')
  t.match(notModified, /^HTTP\/1\.1 304 /)
  t.match(notModified, /etag: "v1"/i)
  t.match(notModified, /cache-control: max-age=60/i)
  t.match(notModified, /last-modified: Sat, 22 Nov 2025/i)
  t.notMatch(notModified, /transfer-encoding/i)
  t.ok(notModified.endsWith('\r\n\r\n'))

  const noContent = await ask('DELETE /204')
  t.match(noContent, /^HTTP\/1\.1 204 /)
  t.match(noContent, /x-kept: yes/i)
  t.notMatch(noContent, /transfer-encoding|content-length/i)

  const head = await ask('HEAD /page')
  t.match(head, /^HTTP\/1\.1 200 /)
  t.match(head, /content-length: 123456\r\n/i, 'the length that GET would have had')
  t.match(head, /content-type: text\/html; charset=utf-8\r\n/i)
  t.match(head, /etag: "v2"/i)
  t.ok(head.endsWith('\r\n\r\n'), 'and no byte of it')

  t.match(await ask('HEAD /304'), /^HTTP\/1\.1 304 /, 'the connection is still in step')
})

t.test('headers pass as they are: repeated, unknown, in order, with their media type', async t => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, [
      'Set-Cookie', 'a=1; Path=/', 'Set-Cookie', 'b=2; Secure', 'Set-Cookie', 'c=3',
      'Content-Type', 'text/plain', 'WWW-Authenticate', 'Basic', 'Link', '</a>; rel=next', 'Link', '</b>; rel=prev',
      'Server', 'upstream/1', 'Date', 'Sat, 22 Nov 2025 00:00:00 GMT', 'X-Empty', '', 'Location', 'http://elsewhere.example/inventory/1',
      'Content-Length', '2',
    ])
    response.end('ok')
  })
  const { url, headers } = await startFront(t, upstream.url)
  const answer = await send(url, { headers })
  t.same(answer.headers['set-cookie'], ['a=1; Path=/', 'b=2; Secure', 'c=3'])
  t.equal(answer.headers['content-type'], 'text/plain', 'no charset is added')
  t.equal(answer.headers['www-authenticate'], 'Basic')
  t.same([answer.headers.link].flat().join(', '), '</a>; rel=next, </b>; rel=prev')
  t.match(answer.headers, { server: 'upstream/1', date: 'Sat, 22 Nov 2025 00:00:00 GMT', 'x-empty': '', location: 'http://elsewhere.example/inventory/1' })
})

t.test('an answer without a length is passed on in chunks, or to the end of the connection for HTTP/1.0', async t => {
  const begun: ServerResponse[] = []
  const upstream = await startUpstream(t, (_request, response) => {
    response.write('part one, ')
    begun.push(response)
  })
  const { url, key } = await startFront(t, upstream.url)
  const modern = await connectTo(t, url)
  modern.write(`GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-api-key: ${key}\r\n\r\n`)
  await modern.sees('part one, ')
  begun.pop()!.end('part two')
  await modern.closed()
  t.match(modern.received, /transfer-encoding: chunked/i)
  t.match(modern.received, /part one, [^]*part two[^]*\r\n0\r\n\r\n$/)

  const old = await connectTo(t, url)
  old.write(`GET / HTTP/1.0\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`)
  await old.sees('part one, ')
  begun.pop()!.end('part two')
  await old.closed()
  t.notMatch(old.received, /transfer-encoding/i)
  t.match(old.received, /\r\n\r\npart one, part two$/)
})

t.test('what belongs to the upstream\'s connection stays there, and the gateway\'s own headers stand', async t => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, {
      connection: 'keep-alive, x-secret, x-request-id',
      'keep-alive': 'timeout=1',
      'x-secret': 'hop',
      'proxy-authenticate': 'Basic',
      'proxy-connection': 'keep-alive',
      te: 'trailers',
      upgrade: 'h2c',
      'x-request-id': 'the-upstreams',
      'x-kept': 'yes',
    })
    response.end('ok')
  })
  const { url, headers } = await startFront(t, upstream.url)
  const answer = await send(url, { headers: { ...headers, 'x-request-id': 'the-clients' } })
  t.equal(answer.status, 200)
  for (const name of ['x-secret', 'proxy-authenticate', 'proxy-connection', 'te', 'upgrade']) t.equal(answer.headers[name], undefined, `${name} is dropped`)
  t.notMatch(String(answer.headers.connection), /x-secret/)
  t.notMatch(String(answer.headers['keep-alive']), /timeout=1$/)
  t.equal(answer.headers['x-request-id'], 'the-clients')
  t.equal(answer.headers['x-kept'], 'yes')
})
