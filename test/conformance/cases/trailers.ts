import { type CaseGroup, head, refusedHere, served, smuggled } from '../case.ts'

const post = (...lines: readonly string[]) => `${head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked', ...lines)}5\r\nhello\r\n0\r\n`
const forbidden = {
  'Content-Length': '990099',
  'Transfer-Encoding': 'forged',
  Host: 'test.forged',
  Authorization: 'Bearer forged',
  'x-api-key': 'forged',
  'X-Latchkey-User-Id': 'forged',
  'X-Latchkey-Scopes': 'forged',
  'X-Forwarded-For': 'forged',
  Connection: 'forged',
  'Content-Type': 'text/forged',
  Cookie: 'a=forged',
  'X-Request-Id': 'forged',
}

export const trailers: CaseGroup = {
  title: 'trailers',
  cases: [
    { name: 'a harmless trailer', rfc: 'RFC 9110 §6.5', send: `${post('Trailer: X-Checksum')}X-Checksum: 5d41\r\n\r\n`, expect: served({ body: 'hello' }) },
    ...Object.entries(forbidden).map(([name, value]) => ({ name: `${name} in a trailer never becomes a header`, rfc: 'RFC 9110 §6.5.1', send: `${post()}${name}: ${value}\r\n\r\n`, expect: isFraming(name) ? refusedHere() : served({ body: 'hello', lacksText: value.slice(-6) }) })),
    { name: 'a request behind a trailer is the next', rfc: 'RFC 9112 §7.1.2', send: `${post()}X: y\r\n\r\n${head('GET /second HTTP/1.1')}`, expect: served({ target: '/x', body: 'hello' }, { target: '/second' }) },
    { name: 'a trailer without a colon', rfc: 'RFC 9112 §7.1.2', send: `${post()}X\r\n\r\n${smuggled}`, expect: refusedHere() },
    { name: 'a space before the colon', rfc: 'RFC 9112 §5.1', send: `${post()}X : y\r\n\r\n${smuggled}`, expect: refusedHere() },
    { name: 'an invalid name', rfc: 'RFC 9110 §5.1', send: `${post()}X(: y\r\n\r\n${smuggled}`, expect: refusedHere() },
    { name: 'a folded trailer', rfc: 'RFC 9112 §5.2', send: `${post()}X: y\r\n z\r\n\r\n`, expect: refusedHere() },
    { name: 'a bare LF between trailers', rfc: 'RFC 9112 §2.2', send: `${post()}X: y\nZ: z\r\n\r\n`, expect: refusedHere() },
    { name: 'a NUL in a trailer', rfc: 'RFC 9110 §5.5', send: `${post()}X: y\x00\r\n\r\n`, expect: refusedHere() },
    { name: 'trailers of 20 KiB', rfc: 'RFC 9112 §7.1.2', send: `${post()}X: ${'y'.repeat(20_480)}\r\n\r\n`, expect: refusedHere() },
    { name: 'the line end behind the trailers is missing', rfc: 'RFC 9112 §8', send: [{ write: `${post()}X: y\r\n` }, { do: 'halfClose' }], expect: { rfc: 'refuse', statuses: [], executed: 0 } },
  ],
}

/** llhttp refuses a second framing wherever it stands. */
function isFraming (name: string): boolean {
  return name === 'Content-Length' || name === 'Transfer-Encoding'
}
