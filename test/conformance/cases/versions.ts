import { type CaseGroup, head, refusedByAdvice, refusedHere, served, servedHere, smuggled } from '../case.ts'

const of = (requestLine: string, ...lines: readonly string[]) => head(requestLine, ...lines)
const unknown = ['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/9.9', 'HTTP/1.10', 'HTTP/01.1', 'HTTP/11', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/1,1', 'HTTP/1.1x', 'HTTP/-1.1', 'http/1.1', 'Http/1.1', 'HTTPS/1.1', 'HTTP 1.1', 'HTTP/ 1.1', 'HTP/1.1', 'ICE/1.0']

export const versions: CaseGroup = {
  title: 'versions and request lines',
  cases: [
    ...unknown.map(version => ({ name: version, rfc: 'RFC 9112 §2.3', send: of(`GET /x ${version}`), expect: refusedByAdvice() })),
    // llhttp reads RTSP, too, and doesn't say so.
    { name: 'RTSP/1.0 is refused, or forwarded as HTTP', rfc: 'RFC 9112 §3', send: head('GET /x RTSP/1.0'), expect: { ...servedHere({ target: '/x' }), closes: true } },
    { name: 'HTTP/1.2 is read as 1.1 or refused', rfc: 'RFC 9110 §2.5', send: head('GET /x HTTP/1.2'), expect: refusedHere() },
    { name: 'HTTP/0.9', rfc: 'RFC 9112 §3', send: [{ write: 'GET /x\r\n\r\n' }, { do: 'halfClose' }], expect: { rfc: 'should refuse', statuses: [400], executed: 0 } },
    { name: 'HTTP/0.9 with headers', rfc: 'RFC 9112 §3', send: of('GET /x'), expect: refusedByAdvice() },
    { name: 'the preface of HTTP/2', rfc: 'contract', rule: 'latchkey', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expect: refusedByAdvice() },
    { name: 'a TLS hello', rfc: 'RFC 9112 §3', send: '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'.padEnd(170, '\x01'), expect: refusedByAdvice() },
    { name: 'an SSH banner', rfc: 'RFC 9112 §3', send: 'SSH-2.0-OpenSSH_9.2\r\n\r\n', expect: refusedByAdvice() },
    { name: 'only a line end and silence', rfc: 'RFC 9112 §2.2', send: [{ write: '\r\n' }, { do: 'halfClose' }], expect: { rfc: 'refuse', statuses: [], executed: 0 } },
    { name: 'HTTP/1.0 is answered and closed', rfc: 'RFC 9112 §9.3', send: of('GET /x HTTP/1.0') + smuggled, expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'HTTP/1.0 without a Host', rfc: 'RFC 9112 §3.2', send: 'GET /x HTTP/1.0\r\nx-api-key: {key}\r\n\r\n', expect: { ...served({ target: '/x' }), closes: true } },
    { name: 'HTTP/1.0 that keeps its connection', rfc: 'RFC 9112 §9.3', send: head('GET /x HTTP/1.0', 'Connection: keep-alive') + head('GET /y HTTP/1.0'), expect: { rfc: 'either', statuses: [200, 200], received: [{ target: '/x' }], answers: [{ has: { connection: 'keep-alive' } }] } },
    { name: 'HTTP/1.0 with a length', rfc: 'RFC 9112 §6.2', send: `${head('POST /x HTTP/1.0', 'Content-Length: 5')}hello`, expect: { ...served({ body: 'hello' }), closes: true } },
    { name: 'HTTP/1.0 with Expect', rfc: 'RFC 9110 §10.1.1', send: `${head('POST /x HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 5')}hello`, expect: { ...served({ body: 'hello' }), closes: true } },
    { name: 'two spaces behind the method', rfc: 'RFC 9112 §3', send: head('GET  /x HTTP/1.1'), expect: servedHere({ target: '/x' }) },
    { name: 'two spaces before the version', rfc: 'RFC 9112 §3', send: head('GET /x  HTTP/1.1'), expect: servedHere({ target: '/x' }) },
    { name: 'a space behind the version', rfc: 'RFC 9112 §3', send: of('GET /x HTTP/1.1 '), expect: refusedHere() },
    { name: 'tabs for spaces', rfc: 'RFC 9112 §3', send: of('GET\t/x\tHTTP/1.1'), expect: refusedHere() },
    { name: 'a tab before the version', rfc: 'RFC 9112 §3', send: of('GET /x\tHTTP/1.1'), expect: refusedHere() },
    { name: 'a space within the target', rfc: 'RFC 9112 §3.2', send: of('GET /x y HTTP/1.1'), expect: refusedByAdvice() },
    { name: 'a second request line within the target', rfc: 'RFC 9112 §3.2', send: of('GET /x HTTP/1.1 HTTP/1.1'), expect: refusedByAdvice() },
    { name: 'no target', rfc: 'RFC 9112 §3', send: of('GET HTTP/1.1'), expect: refusedByAdvice() },
    { name: 'no method', rfc: 'RFC 9112 §3', send: of(' /x HTTP/1.1'), expect: refusedByAdvice() },
    { name: 'no version but a space', rfc: 'RFC 9112 §3', send: of('GET /x '), expect: refusedByAdvice() },
    { name: 'a NUL in the request line', rfc: 'RFC 9112 §3', send: of('GET /\x00x HTTP/1.1'), expect: refusedByAdvice(400, 'ambiguous_path') },
    { name: 'two requests in one line', rfc: 'RFC 9112 §3', send: of('GET /x HTTP/1.1\x0bHost: y'), expect: refusedByAdvice() },
  ],
}
