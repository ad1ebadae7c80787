import type { Dice } from './dice.ts'

/** Returns the credential lines of a message: with a valid key, or without. */
export type Credential = () => string[]

const methods = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'PRI', 'QUERY', 'get', 'G@T']
const targets = [
  '/', '/a', '/a/b?c=d', '/a?x=1#y', '/A/', '/public', '/public/x', '/public/y?z', '/public/../a', '/public%2f..%2fa', '/Public/x', '/admin', '/admin/x', '/read', '/strip/a',
  '/-/live', '/-/ready', '//a', '/a//b', '/%2e%2e/a', '/a;b', '/a\\b', '/%', '/%zz', '/%c3%28', '/%00', '/a%20b', '/é', '*', 'a', 'http://gateway.test/a',
  'http://u:p@gateway.test/a', 'HTTP://other/a', 'https://gateway.test', 'http://', '//gateway.test/a', 'gateway.test:80', '?', '#', `/${'x'.repeat(300)}`,
]
const hosts = ['Host: gateway.test', 'Host: gateway.test', 'Host: gateway.test', 'Host: gateway.test:80', 'Host:', 'Host: a, b', 'Host: [::1]', 'Host: a b', 'host : x', 'Host: u@h', 'Host: public.test']
const versions = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', '']
const lines = [
  'Connection: close', 'Connection: keep-alive', 'Connection: x-latchkey-key-id, host, content-length', 'Connection: Upgrade', 'Connection: close, close', 'Keep-Alive: timeout=1',
  'X-Latchkey-User-Id: forged', 'x_latchkey_key_id: 1', 'X-Latchkey-Scopes: *', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https', 'Forwarded: for=1.2.3.4', 'X-Real-IP: 1.2.3.4',
  'x-forwarded-host: evil', 'X_Forwarded_For: 9.9.9.9', 'X-Request-Id: the-clients', 'x-request-id: a b', 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'traceparent: x',
  'TE: trailers', 'Trailer: x-latchkey-user-id', 'Expect: 100-continue', 'Expect: 200-ok', 'Upgrade: h2c', 'Upgrade: websocket', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
  'Proxy-Authorization: Basic eDp5', 'Proxy-Connection: keep-alive', 'Accept: */*', 'Cookie: a=b', 'Content-Type: application/json', 'User-Agent: fuzz', 'X: é', 'X-Empty:', ': nameless', 'no colon',
  ' folded', '\tfolded', 'Range: bytes=0-1', 'If-None-Match: *', 'Content-Encoding: gzip', 'Max-Forwards: 0', 'x-api_key: sk_live_forged', 'Transfer_Encoding: chunked', 'Content_Length: 3',
]
const framings = [
  'Content-Length: 0', 'Content-Length: 5', 'Content-Length: 05', 'Content-Length: +5', 'Content-Length: -1', 'Content-Length: 5, 5', 'Content-Length: 5, 6', 'Content-Length: 0x5', 'Content-Length: 5 5', 'Content-Length:',
  'Content-Length: 18446744073709551616', 'Content-Length: 9007199254740993', 'Content-Length: 99999999', 'Content-Length : 5', 'Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked', 'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding: identity', 'Transfer-Encoding : chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: \x0bchunked', 'Transfer-Encoding: "chunked"', 'Transfer-Encoding:', 'Transfer-Encoding: xchunked', 'X: y\rTransfer-Encoding: chunked',
]
const sizes = ['5', '05', '0', '00000000000000005', 'ffffffffffffffff', '10000000000000005', '-5', '+5', '0x5', '5;a=b', '5 ;a', '5;a="\r\n"', '5\t', ' 5', 'g', '', '5;\n']
const prefaces = ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', '\r\n', '\r\n\r\n', '\n', '\0', ' ', 'SSH-2.0-x\r\n', '<policy-file-request/>\0']

/** One message: valid as a rule, or of a kind that intermediaries are known to trip over. */
export function message (dice: Dice, credential: Credential): string {
  switch (dice.below(16)) {
    case 0: case 1: return head(dice, 'GET', '/a', credential, [])
    case 2: return head(dice, dice.chance(0.5) ? 'GET' : dice.pick(methods), dice.pick(targets), credential, [])
    case 3: case 4: return withLength(dice, credential)
    case 5: case 6: case 7: return chunked(dice, credential)
    case 8: return upgrade(dice, credential)
    case 9: case 10: return oddFraming(dice, credential)
    case 11: return smuggling(dice, credential)
    case 12: return head(dice, 'GET', dice.pick(targets), credential, dice.some(lines, 8))
    case 13: return head(dice, 'GET', '/a', credential, Array.from({ length: dice.pick([10, 100, 140, 1200]) }, (_, index) => `X-${index}: ${index}`))
    case 14: return head(dice, 'GET', `/${'y'.repeat(dice.pick([1000, 8000, 17_000]))}`, credential, [])
    default: return dice.pick(prefaces) + head(dice, 'GET', '/a', credential, [])
  }
}

function head (dice: Dice, method: string, target: string, credential: Credential, more: readonly string[]): string {
  const isOdd = dice.chance(0.15)
  const host = isOdd ? dice.pick(hosts) : 'Host: gateway.test'
  const fields = [host, ...credential(), ...dice.some(lines, dice.pick([0, 0, 0, 1, 3])), ...more]
  // Order matters to some readers.
  if (dice.chance(0.3)) fields.reverse()
  return [`${method} ${target} ${isOdd ? dice.pick(versions) : 'HTTP/1.1'}`, ...fields, '', ''].join('\r\n')
}

function withLength (dice: Dice, credential: Credential): string {
  const body = bodyText(dice, credential)
  return head(dice, 'POST', dice.pick(['/a', '/read', '/public/x', '/strip/a']), credential, [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]) + body
}

function chunked (dice: Dice, credential: Credential): string {
  const chunks = Array.from({ length: dice.below(5) }, () => {
    const text = bodyText(dice, credential)
    const size = dice.chance(0.15) ? dice.pick(sizes) : text.length.toString(16)
    return `${size}${dice.chance(0.1) ? ';ext=1' : ''}\r\n${text}\r\n`
  })
  const trailers = dice.chance(0.2) ? `${dice.pick(lines)}\r\n` : ''
  return `${head(dice, 'POST', '/a', credential, ['Transfer-Encoding: chunked'])}${chunks.join('')}0\r\n${trailers}\r\n`
}

function upgrade (dice: Dice, credential: Credential): string {
  const lines = ['Connection: Upgrade', `Upgrade: ${dice.pick(['websocket', 'websocket', 'h2c', 'x', 'websocket, h2c', ''])}`, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
  const body = dice.chance(0.2) ? ['Content-Length: 5'] : []
  return head(dice, dice.chance(0.8) ? 'GET' : 'POST', '/a', credential, [...lines, ...body]) + dice.pick(['', 'hello', '\x81\x05hello', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'])
}

function oddFraming (dice: Dice, credential: Credential): string {
  return head(dice, dice.pick(['POST', 'GET', 'PUT']), '/a', credential, [dice.pick(framings), ...dice.some(framings, 2)]) + dice.pick(['hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n', bodyText(dice, credential)])
}

/** The second request stands where one reader of the framing sees a body and another the next message. */
function smuggling (dice: Dice, credential: Credential): string {
  const second = `GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n${credential().map(line => `${line}\r\n`).join('')}\r\n`
  const frame = dice.pick(['Content-Length: 6\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 6', 'Content-Length: 0\r\nContent-Length: 44', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x', 'Content-Length: 0', 'Foo: bar\n\nTransfer-Encoding: chunked'])
  return head(dice, 'POST', '/a', credential, [frame]) + dice.pick(['0\r\n\r\n', '', '0\r\n\r\nX', '1\r\nZ\r\n0\r\n\r\n', `${dice.pick(sizes)}\r\n`]) + second
}

function bodyText (dice: Dice, credential: Credential): string {
  switch (dice.below(5)) {
    case 0: return ''
    case 1: return `GET /embedded HTTP/1.1\r\nHost: gateway.test\r\n${credential().map(line => `${line}\r\n`).join('')}\r\n`
    case 2: return 'z'.repeat(dice.pick([1, 10, 1000, 17_000]))
    case 3: return '0\r\n\r\n'
    default: return dice.bytes(dice.below(60)).toString('latin1')
  }
}
