import { createServer, type IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { RequestReader } from '../../src/gateway/plain/request-reader.ts'
import { insanityOf } from '../../src/gateway/sane-request.ts'
import { holds } from './property.ts'

const reader = new RequestReader()
const socket = new Socket()
const read = (text: string) => reader.read(Buffer.from(text, 'latin1'), socket)
const sentinel = 'GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n'

/** What node:http makes of bytes and of a request behind them: each request, and `null` for what it can't read. */
async function readByNode (text: string): Promise<(IncomingMessage | null)[]> {
  const server = createServer({ requireHostHeader: false })
  server.maxHeadersCount = 0
  const [client, connection] = duplexPair()
  const seen: (IncomingMessage | null)[] = []
  await new Promise<void>(resolve => {
    const take = (request: IncomingMessage): void => {
      seen.push(request.resume())
      if (request.url === '/sentinel') resolve()
    }
    server.on('request', take).on('checkContinue', take).on('checkExpectation', take).on('upgrade', take).on('connect', take)
    server.on('clientError', () => {
      seen.push(null)
      resolve()
    })
    server.emit('connection', connection)
    client.write(text + sentinel, 'latin1')
  })
  client.destroy()
  connection.destroy()
  return seen
}

const bodyText = fc.constantFrom('', 'x', 'hello', 'GET / HTTP/1.1\r\n', '0\r\n\r\n')
const methods = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH') }, { weight: 1, arbitrary: fc.constantFrom('get', 'TRACE', 'CONNECT', 'PRI', '', ' GET', 'GE T') })
const targets = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('/', '/a/b?c=d', '/%2e%2E/"|^`{}', `/${'x'.repeat(300)}`) }, { weight: 1, arbitrary: fc.constantFrom('*', 'http://other/x', '/#', '/a b', '/\x80', '/\0', '', '//', '/\t', '/\\', '/a\r\nX: y') })
const versions = fc.oneof({ weight: 20, arbitrary: fc.constant('HTTP/1.1') }, { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', 'HTTP/1.11', 'RTSP/1.0') })
const names = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('x-api-key', 'Authorization', 'Accept', 'User-Agent', 'accept-encoding', 'Cookie', 'X-A', 'Content-Type', 'x-forwarded-for', 'X-Request-Id', 'Range', 'Accept-Language', 'If-None-Match') },
  { weight: 2, arbitrary: fc.constantFrom('Content-Length', 'content-length', 'Connection', 'Transfer-Encoding', 'Expect', 'Upgrade', 'TE', 'Trailer', 'Keep-Alive', 'Proxy-Connection', 'Host', 'host', 'HTTP2-Settings') },
  { weight: 1, arbitrary: fc.constantFrom('content_length', 'Transfer-Encoding ', ' X', '\tX', 'X\0', 'X(Y)', '', 'X-Ä', '__proto__', 'constructor', 'X'.repeat(80)) }
)
const values = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom('1', 'text/html', '*/*', 'a=b; c=d', 'Bearer abc', '"é"', 'tab\tin it', '') },
  { weight: 3, arbitrary: fc.constantFrom('keep-alive', 'close', 'Keep-Alive', 'chunked', '0', '5', '05', '16', '100-continue', 'websocket', 'gateway', 'a, b') },
  { weight: 1, arbitrary: fc.constantFrom('-1', '+5', '5, 5', '0x5', '99999999999999999999', 'a\0b', 'a\x7fb', 'a\rb', 'a\nb', 'a\r\n b', 'a\r\n\tb', '\xa0x\xa0', '\x80') }
)
const separators = fc.oneof({ weight: 12, arbitrary: fc.constant(': ') }, { weight: 2, arbitrary: fc.constantFrom(':', ':\t', ':   ') }, { weight: 1, arbitrary: fc.constantFrom(' : ', ' ', '::') })
const lineEnds = fc.oneof({ weight: 60, arbitrary: fc.constant('\r\n') }, { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', ' \r\n', '') })
const lines = fc.array(fc.tuple(names, separators, values, lineEnds).map(parts => parts.join('')), { maxLength: 7 })
const hosts = fc.oneof({ weight: 15, arbitrary: fc.constantFrom('Host: gateway\r\n', 'host:gateway:8080 \r\n', 'HOST: [::1]:80\r\n') }, { weight: 1, arbitrary: fc.constantFrom('', 'Host: a b\r\n', 'Host: \r\n', 'Host: a/b\r\n', 'Host: a,b\r\n', 'Host: gateway:99999\r\n') })
const bytes = fc.constantFrom('\r', '\n', ' ', '\t', ':', '\0', 'a', '/', '\x80', '\r\n', '\r\n\r\n', ',', '0')
const changes = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), bytes), { maxLength: 2 }) })

const requests = fc.tuple(methods, targets, versions, lineEnds, hosts, fc.boolean(), lines, bodyText, changes).map(([method, target, version, end, host, saysLength, lines, body, changes]) => {
  const whole = saysLength ? `Content-Length: ${body.length}\r\n` : ''
  let text = `${method} ${target} ${version}${end}${host}${whole}${lines.join('')}\r\n${body}`
  for (const [at, removed, inserted] of changes) text = text.slice(0, at % text.length) + inserted + text.slice(at % text.length + removed)
  return text
})

let plain = 0

holds(t, 'what is taken for a plain request, node:http reads as that very request, and nothing behind it', 30_000, fc.asyncProperty(requests, async text => {
  const request = read(text)
  if (request === null) return true
  plain++
  const { headBytes } = reader
  const length = Number(request.headers['content-length'] ?? 0)
  const missing = 'x'.repeat(Math.min(length - (text.length - headBytes), 1_000))
  // A body of a length that no test can send: the head has to do.
  if (length > 1_000) return true
  const [first, second] = await readByNode(text + missing)
  return first != null && second?.url === '/sentinel' && insanityOf(first, 'x-api-key') === null &&
    first.method === request.method && first.url === request.url && first.httpVersion === '1.1' &&
    JSON.stringify(first.rawHeaders) === JSON.stringify(request.rawHeaders) &&
    JSON.stringify(Object.entries(first.headers).sort()) === JSON.stringify(Object.entries(request.headers).sort()) &&
    (request.body === null) === (length === 0) && request.complete === (length === 0)
}))

t.test('many of those were plain', async t => {
  t.ok(plain > 4_000, `${plain} of them`)
})

t.test('what common clients send is plain', async t => {
  for (const text of [
    'GET /inventory/items HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nx-api-key: sk_live_1\r\n\r\n',
    'GET / HTTP/1.1\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\nhost: gateway\r\nConnection: keep-alive\r\n\r\n',
    'POST /orders?a=b HTTP/1.1\r\nHost: gateway.example.com\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: 7\r\nContent-Type: application/json\r\n\r\n{"a":1}',
    'PUT /orders/1 HTTP/1.1\r\nHost: gateway\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 700000\r\nAccept-Encoding: gzip\r\n\r\nthe beginning',
  ]) t.ok(read(text), text)
})

t.test('what says more of its message or its connection, or has come in part, is left to node:http', async t => {
  for (const text of [
    'GET / HTTP/1.1\r\nHost: a\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxy', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n', `GET / HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 128 }, (_, i) => `X-${i}: 1\r\n`).join('')}\r\n`,
  ]) t.equal(read(text), null, text.slice(0, 100))
})
