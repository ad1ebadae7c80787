import { bytesOf, type CaseGroup, head, keyLength, refusedHere, served, servedHere, smuggled } from '../case.ts'

const get = (...lines: readonly string[]) => head('GET /x HTTP/1.1', ...lines)
const plain = get()
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`)
/** Host and the key are two of them. */
const withLines = (count: number) => get(...numbered(count - 2))
/** node:http counts what is neither a line's end nor whitespace around a value: so near the bound, not at it. */
const ofBytes = (bytes: number) => get(`X: ${'x'.repeat(bytes - plain.length - 5 - keyLength + '{key}'.length)}`)

export const lines: CaseGroup = {
  title: 'header lines',
  cases: [
    { name: 'bare LFs only', rfc: 'RFC 9112 §2.2', send: plain.replaceAll('\r', ''), expect: refusedHere() },
    { name: 'a bare LF behind the request line', rfc: 'RFC 9112 §2.2', send: plain.replace('\r', ''), expect: refusedHere() },
    { name: 'a bare LF behind a header', rfc: 'RFC 9112 §2.2', send: plain.replace('test\r', 'test'), expect: refusedHere() },
    { name: 'a bare LF at the end of the head', rfc: 'RFC 9112 §2.2', send: plain.replace('\r\n\r\n', '\r\n\n'), expect: refusedHere() },
    { name: 'bare CRs only', rfc: 'RFC 9112 §2.2', send: [{ write: plain.replaceAll('\n', '') }, { do: 'halfClose' }], expect: { rfc: 'should refuse', statuses: [400], executed: 0 } },
    { name: 'a bare CR in a value', rfc: 'RFC 9112 §2.2', send: get('X: a\rb'), expect: refusedHere() },
    { name: 'a bare CR before the line end', rfc: 'RFC 9112 §2.2', send: get('X: a\r'), expect: refusedHere() },
    { name: 'a bare CR in a name', rfc: 'RFC 9110 §5.1', send: get('X\rY: a'), expect: refusedHere() },
    { name: 'a folded line', rfc: 'RFC 9112 §5.2', send: get('X: a', ' b'), expect: refusedHere() },
    { name: 'a line folded by a tab', rfc: 'RFC 9112 §5.2', send: get('X: a', '\tb'), expect: refusedHere() },
    { name: 'a folded Host', rfc: 'RFC 9112 §5.2', send: 'GET /x HTTP/1.1\r\nHost:\r\n gateway.test\r\nx-api-key: {key}\r\n\r\n', expect: refusedHere() },
    { name: 'the first line begins with a space', rfc: 'RFC 9112 §2.2', send: plain.replace('\r\nHost', '\r\n Host'), expect: refusedHere() },
    { name: 'an empty line before the request', rfc: 'RFC 9112 §2.2', send: `\r\n${plain}`, expect: served({ target: '/x' }) },
    { name: 'three empty lines before the request', rfc: 'RFC 9112 §2.2', send: `\r\n\r\n\r\n${plain}`, expect: servedHere({ target: '/x' }) },
    { name: 'a bare LF before the request', rfc: 'RFC 9112 §2.2', send: `\n${plain}`, expect: servedHere({ target: '/x' }) },
    { name: 'a space before the request', rfc: 'RFC 9112 §3', send: ` ${plain}`, expect: refusedHere() },
    { name: 'a line without a colon', rfc: 'RFC 9112 §5', send: get('X'), expect: refusedHere() },
    { name: 'an empty name', rfc: 'RFC 9110 §5.1', send: get(': x'), expect: refusedHere() },
    ...[...'(),/:;<=>?@[\\]{}"'].filter(letter => letter !== ':').concat('\x00', '\x01', '\x7f', '\x80', '\xe4', ' ', '\t').map(letter => ({ name: `${JSON.stringify(letter)} in a name`, rfc: 'RFC 9110 §5.1', send: get(`X${letter}Y: a`), expect: refusedHere() })),
    { name: 'all that a name may hold', rfc: 'RFC 9110 §5.6.2', send: get('X!#$%&\'*+-.^`|~0: a'), expect: served({ has: { 'x!#$%&\'*+-.^`|~0': 'a' } }) },
    { name: 'an empty value', rfc: 'RFC 9110 §5.5', send: get('X:'), expect: served({ has: { x: '' } }) },
    { name: 'a value of spaces', rfc: 'RFC 9110 §5.5', send: get('X:  \t '), expect: served({ has: { x: '' } }) },
    { name: 'a tab in a value', rfc: 'RFC 9110 §5.5', send: get('X: a\tb'), expect: served({ has: { x: 'a\tb' } }) },
    { name: '8-bit characters in a value', rfc: 'RFC 9110 §5.5', send: get('X: \xe4\xff\x80'), expect: served({ has: { x: '\xe4\xff\x80' } }) },
    ...['\x00', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'].map(letter => ({ name: `${JSON.stringify(letter)} in a value`, rfc: 'RFC 9110 §5.5', send: get(`X: a${letter}b`), expect: refusedHere() })),
    { name: 'a NUL at the end of a value', rfc: 'RFC 9110 §5.5', send: get('X: a\x00'), expect: refusedHere() },
    { name: 'a header twice', rfc: 'RFC 9110 §5.3', send: get('X: a', 'Y: b', 'x: c'), expect: served({ has: { x: 'a, c', y: 'b' } }) },
    { name: 'Cookie twice', rfc: 'RFC 6265 §5.4', send: get('Cookie: a=1', 'Cookie: b=2'), expect: servedHere({}) },
    { name: '128 lines', rfc: 'RFC 9110 §5.4', send: withLines(128), expect: servedHere({ has: { 'x-0': '0', 'x-125': '125' } }) },
    ...[129, 1_000, 1_001, 2_500].map(count => ({ name: `${count} lines are forwarded whole or refused`, rfc: 'RFC 9110 §5.4', send: withLines(count), expect: { ...refusedHere(431, 'headers_too_large'), received: [{ has: { [`x-${count - 3}`]: String(count - 3) } }] } })),
    { name: '1,001 lines, the last of them a length', rfc: 'RFC 9110 §5.4', send: get(...numbered(1_001).map(() => 'X: y'), `Content-Length: ${bytesOf(smuggled)}`) + smuggled, expect: refusedHere(431, 'headers_too_large') },
    { name: '2,500 lines, the last of them a coding', rfc: 'RFC 9110 §5.4', send: `${get(...numbered(2_500).map(() => 'X:y'), 'Transfer-Encoding: chunked')}0\r\n\r\n`, expect: refusedHere(431, 'headers_too_large') },
    { name: 'a head of 15 KiB', rfc: 'RFC 9110 §5.4', send: ofBytes(15_360), expect: servedHere({}) },
    { name: 'a head of 16 KiB less a byte', rfc: 'RFC 9110 §5.4', send: ofBytes(16_383), expect: servedHere({}) },
    { name: 'a head of 16 KiB and 1 KiB', rfc: 'RFC 9110 §5.4', send: ofBytes(17_408), expect: refusedHere(431, 'headers_too_large') },
    { name: 'a head of 64 KiB', rfc: 'RFC 9110 §5.4', send: ofBytes(65_536), expect: refusedHere(431, 'headers_too_large') },
    { name: 'a name of 20 KiB', rfc: 'RFC 9110 §5.4', send: get(`${'X'.repeat(20_480)}: a`), expect: refusedHere(431, 'headers_too_large') },
    { name: 'a request line of 8,000 bytes', rfc: 'RFC 9112 §3', send: head(`GET /${'x'.repeat(7_980)} HTTP/1.1`), expect: servedHere({ target: `/${'x'.repeat(7_980)}` }) },
    { name: 'a request line of 20,000 bytes', rfc: 'RFC 9112 §3', send: head(`GET /${'x'.repeat(20_000)} HTTP/1.1`), expect: refusedHere(431, 'headers_too_large') },
    { name: 'a method of 20,000 bytes', rfc: 'RFC 9112 §3', send: head(`${'G'.repeat(20_000)} / HTTP/1.1`), expect: refusedHere() },
  ],
}
