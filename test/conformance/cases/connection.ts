import { bytesOf, type CaseGroup, head, served, servedHere, smuggled } from '../case.ts'

const inner = 'GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n'
const get = (...lines: readonly string[]) => head('GET /x HTTP/1.1', ...lines)

export const connection: CaseGroup = {
  title: 'Connection and hop-by-hop headers',
  cases: [
    { name: 'a header that it names', rfc: 'RFC 9110 §7.6.1', send: get('Connection: x-secret', 'X-Secret: a'), expect: served({ lacks: ['x-secret'] }) },
    { name: 'several that it names', rfc: 'RFC 9110 §7.6.1', send: get('Connection: keep-alive, x-one ,X-TWO', 'X-One: a', 'x-two: b', 'X-Three: c'), expect: served({ lacks: ['x-one', 'x-two'], has: { 'x-three': 'c' } }) },
    { name: 'on two lines', rfc: 'RFC 9110 §7.6.1', send: get('Connection: x-one', 'X-One: a', 'Connection: x-two', 'X-Two: b'), expect: served({ lacks: ['x-one', 'x-two'] }) },
    { name: 'behind the header that it names', rfc: 'RFC 9110 §7.6.1', send: get('X-One: a', 'Connection: x-one'), expect: served({ lacks: ['x-one'] }) },
    { name: 'with empty items', rfc: 'RFC 9110 §5.6.1', send: get('Connection: , x-one,,', 'X-One: a'), expect: served({ lacks: ['x-one'] }) },
    { name: 'between tabs', rfc: 'RFC 9110 §5.6.1', send: get('Connection:\tx-one\t,\tx-two', 'X-One: a', 'X-Two: b'), expect: served({ lacks: ['x-one', 'x-two'] }) },
    { name: 'close beside a name', rfc: 'RFC 9110 §7.6.1', send: get('Connection: close, x-one', 'X-One: a'), expect: { ...served({ lacks: ['x-one'] }), closes: true } },
    { name: 'Content-Length named, its body kept', rfc: 'RFC 9110 §7.6.1', send: `${head('POST /x HTTP/1.1', 'Connection: content-length', `Content-Length: ${bytesOf(inner)}`)}${inner}`, expect: servedHere({ method: 'POST', body: inner }) },
    { name: 'Host named', rfc: 'RFC 9110 §7.6.1', send: get('Connection: host'), expect: served({ target: '/x' }) },
    { name: 'Cookie named', rfc: 'RFC 9110 §7.6.1', send: get('Connection: cookie', 'Cookie: a=b'), expect: served({ lacks: ['cookie'] }) },
    { name: 'the key named', rfc: 'contract', rule: 'latchkey', send: get('Connection: x-api-key'), expect: served({ lacks: ['x-api-key'] }) },
    ...['x-latchkey-key-id', 'x-latchkey-user-id', 'x-latchkey-scopes', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'traceparent'].map(name => ({ name: `${name} can't be named away`, rfc: 'contract', rule: 'latchkey' as const, send: get(`Connection: ${name}`), expect: served({ hasSome: [name] }) })),
    { name: 'close ends the connection', rfc: 'RFC 9112 §9.6', send: get('Connection: close') + smuggled, expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'Close in another case', rfc: 'RFC 9110 §7.6.1', send: get('Connection: CLOSE') + smuggled, expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'close among others', rfc: 'RFC 9112 §9.6', send: get('Connection: keep-alive, close') + smuggled, expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'close on a second line', rfc: 'RFC 9112 §9.6', send: get('Connection: keep-alive', 'Connection: close') + smuggled, expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'Keep-Alive', rfc: 'RFC 9110 §7.6.1', send: get('Connection: keep-alive', 'Keep-Alive: timeout=5'), expect: served({}) },
    { name: 'Keep-Alive, which Connection names', rfc: 'RFC 9110 §7.6.1', send: get('Connection: keep-alive, Keep-Alive', 'Keep-Alive: timeout=5'), expect: served({}) },
    { name: 'Proxy-Connection', rfc: 'RFC 9110 §7.6.1', send: get('Proxy-Connection: keep-alive'), expect: served({}) },
    { name: 'TE', rfc: 'RFC 9110 §10.1.4', send: get('Connection: TE', 'TE: trailers'), expect: served({}) },
    { name: 'TE that Connection doesn\'t name', rfc: 'RFC 9110 §7.6.1', send: get('TE: trailers, deflate;q=0.5'), expect: served({}) },
    { name: 'Proxy-Authorization', rfc: 'contract', rule: 'latchkey', send: get('Proxy-Authorization: Basic eA=='), expect: served({ lacks: ['proxy-authorization'] }) },
    { name: 'Upgrade alone', rfc: 'RFC 9110 §7.8', send: get('Upgrade: websocket'), expect: served({ target: '/x' }) },
    { name: 'Upgrade named, and none there', rfc: 'RFC 9110 §7.8', send: get('Connection: Upgrade'), expect: served({ target: '/x' }) },
    { name: 'Upgrade to what nobody speaks', rfc: 'RFC 9110 §7.8', send: get('Connection: Upgrade', 'Upgrade: foo/2'), expect: served({}) },
    { name: 'Upgrade to TLS', rfc: 'RFC 9110 §7.8', send: get('Connection: Upgrade', 'Upgrade: TLS/1.2'), expect: served({}) },
    { name: 'Upgrade to HTTP/2', rfc: 'RFC 9113 §3.1', send: get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), expect: served({ target: '/x' }) },
    { name: 'Upgrade to HTTP/2 with a body', rfc: 'RFC 9113 §3.1', send: `${head('POST /x HTTP/1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Content-Length: 5')}hello`, expect: served({ method: 'POST', body: 'hello' }) },
    { name: 'Upgrade to HTTP/2 with a chunked body', rfc: 'RFC 9113 §3.1', send: `${head('POST /x HTTP/1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`, expect: served({ method: 'POST', body: 'hello' }) },
    { name: 'Upgrade to HTTP/2 with a body that comes later', rfc: 'RFC 9113 §3.1', send: [{ write: head('POST /x HTTP/1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Content-Length: 5') }, { write: 'he' }, { write: 'llo' }], expect: served({ method: 'POST', body: 'hello' }) },
    { name: 'Upgrade to HTTP/2, and another request once that was answered', rfc: 'RFC 9113 §3.1', send: [{ write: get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__') }, { sees: 'ran GET /x' }, { write: head('GET /y HTTP/1.1') }], expect: served({ target: '/x' }, { target: '/y' }) },
    { name: 'HTTP2-Settings alone', rfc: 'RFC 9113 §3.1', send: get('HTTP2-Settings: AAMAAABkAAQAAP__'), expect: served({}) },
  ],
}
