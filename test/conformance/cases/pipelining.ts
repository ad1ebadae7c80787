import { type CaseGroup, head, served, servedHere, smuggled } from '../case.ts'

const get = (path: string, ...lines: readonly string[]) => head(`GET ${path} HTTP/1.1`, ...lines)
const post = (path: string, body: string, ...lines: readonly string[]) => head(`POST ${path} HTTP/1.1`, `Content-Length: ${body.length}`, ...lines) + body
const chunkedPost = (path: string) => `${head(`POST ${path} HTTP/1.1`, 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`
const bad = 'GET /bad HTTP/1.1\r\nHost: a b\r\nx-api-key: {key}\r\n\r\n'
const unreadable = 'GET /bad HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n'
/** Too large to be read and thrown away. */
const large = 'x'.repeat(70_000)

export const pipelining: CaseGroup = {
  title: 'pipelining',
  cases: [
    { name: 'two', rfc: 'RFC 9112 §9.3.2', send: get('/a') + get('/b'), expect: { ...served({ target: '/a' }, { target: '/b' }), answers: [{ body: 'ran GET /a' }, { body: 'ran GET /b' }] } },
    { name: 'five', rfc: 'RFC 9112 §9.3.2', send: ['/a', '/b', '/c', '/d', '/e'].map(path => get(path)).join(''), expect: { rfc: 'serve', statuses: [200, 200, 200, 200, 200], answers: [{ body: 'ran GET /a' }, {}, {}, {}, { body: 'ran GET /e' }] } },
    { name: 'one with a body, then one without', rfc: 'RFC 9112 §9.3.2', send: post('/a', 'hello') + get('/b'), expect: served({ target: '/a', body: 'hello' }, { target: '/b', body: '' }) },
    { name: 'a chunked one, then another', rfc: 'RFC 9112 §9.3.2', send: chunkedPost('/a') + chunkedPost('/b'), expect: served({ target: '/a', body: 'hello' }, { target: '/b', body: 'hello' }) },
    { name: 'an empty line between them', rfc: 'RFC 9112 §2.2', send: `${post('/a', 'hello')}\r\n${get('/b')}`, expect: served({ target: '/a' }, { target: '/b' }) },
    { name: 'cut in the middle of the second\'s head', rfc: 'RFC 9112 §9.3.2', send: [{ write: get('/a') + get('/b').slice(0, 20) }, { sees: 'ran GET /a' }, { write: get('/b').slice(20) }], expect: served({ target: '/a' }, { target: '/b' }) },
    { name: 'a good one, then a bad one', rfc: 'RFC 9112 §3.2', send: get('/a') + bad, expect: { rfc: 'either', statuses: [200, 400], code: 'bad_request', closes: true, received: [{ target: '/a' }] } },
    { name: 'a good one, a bad one and a good one', rfc: 'RFC 9112 §3.2', send: get('/a') + bad + smuggled, expect: { rfc: 'either', statuses: [200, 400], code: 'bad_request', closes: true, received: [{ target: '/a' }] } },
    { name: 'a good one, then one that can\'t be read', rfc: 'RFC 9112 §5.1', send: get('/a') + unreadable, expect: { rfc: 'either', statuses: [200, 400], code: 'bad_request', closes: true, received: [{ target: '/a' }] } },
    { name: 'two good ones, then one that can\'t be read, and a good one', rfc: 'RFC 9112 §5.1', send: get('/a') + get('/b') + unreadable + smuggled, expect: { rfc: 'either', statuses: [200, 200, 400], closes: true } },
    { name: 'a good one, then one with a broken body', rfc: 'RFC 9112 §7.1', send: `${get('/a')}${head('POST /b HTTP/1.1', 'Transfer-Encoding: chunked')}zz\r\n${smuggled}`, expect: { rfc: 'either', statuses: [200, 400], closes: true } },
    { name: 'a good one, then TLS', rfc: 'RFC 9112 §3', send: `${get('/a')}\x16\x03\x01\x02\x00`, expect: { rfc: 'either', statuses: [200, 400], closes: true } },
    { name: 'behind Connection: close', rfc: 'RFC 9112 §9.6', send: get('/a', 'Connection: close') + smuggled, expect: { ...served({ target: '/a' }), closes: true } },
    { name: 'garbage behind Connection: close', rfc: 'RFC 9112 §9.6', send: `${get('/a', 'Connection: close')}\x00\x01\x02`, expect: { ...served({ target: '/a' }), closes: true } },
    { name: 'behind a body with Connection: close', rfc: 'RFC 9112 §9.6', send: post('/a', 'hello', 'Connection: close') + smuggled, expect: { ...served({ target: '/a', body: 'hello' }), closes: true } },
    { name: 'behind a refused body that was announced', rfc: 'contract', rule: 'latchkey', send: `POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: ${large.length}\r\n\r\n${large}${smuggled}`, expect: { rfc: 'either', statuses: [401], executed: 0, closes: true } },
    { name: 'behind a refused chunked body', rfc: 'contract', rule: 'latchkey', send: `POST /a HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${smuggled}`, expect: { rfc: 'either', statuses: [401], executed: 0, closes: true } },
    { name: 'behind a small refused body', rfc: 'contract', rule: 'latchkey', send: `POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 5\r\n\r\nhello${get('/b')}`, expect: { rfc: 'either', statuses: [401, 200], received: [{ target: '/b' }] } },
    { name: 'a body that is a request, refused', rfc: 'contract', rule: 'latchkey', send: 'POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 46\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n', expect: { rfc: 'either', statuses: [401], executed: 0 } },
    { name: 'behind a refused path', rfc: 'contract', rule: 'latchkey', send: get('/a//b') + get('/c'), expect: { rfc: 'either', statuses: [400, 200] } },
    { name: 'HEAD, then GET', rfc: 'RFC 9110 §9.3.2', send: head('HEAD /a HTTP/1.1') + get('/b'), expect: { ...served({ target: '/a' }, { target: '/b' }), answers: [{ body: '' }, { body: 'ran GET /b' }] } },
    { name: 'bytes behind a bodiless GET', rfc: 'RFC 9112 §6.3', send: `${get('/a')}hello`, expect: { rfc: 'either', statuses: [200, 400], closes: true } },
    { name: 'GET with a body, then GET', rfc: 'RFC 9112 §6.3', send: `${head('GET /a HTTP/1.1', 'Content-Length: 5')}hello${get('/b')}`, expect: servedHere({ target: '/a', body: 'hello' }, { target: '/b' }) },
  ],
}
