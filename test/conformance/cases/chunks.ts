import { bytesOf, type CaseGroup, type Expectation, head, refused, refusedHere, served, servedHere, smuggled } from '../case.ts'

const inner = 'GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n'
const post = head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked')
const hello = served({ method: 'POST', body: 'hello' })
const rest = `\r\nhello\r\n0\r\n\r\n${smuggled}`
const invalidSizes = ['0x5', '+5', '-5', ' 5', '\t5', '', '5g', 'g', '5,5', '5_0', '5.0', '"5"', '\x005', '5\x00', '\xb5', '10000000000000005', 'fffffffffffffffff', '100000000000000000000000000000005']
/** The head is on its way before the fault is found: it's broken off. */
const brokenOff: Expectation = refused()

export const chunks: CaseGroup = {
  title: 'chunks',
  cases: [
    { name: 'one chunk', rfc: 'RFC 9112 §7.1', send: `${post}5\r\nhello\r\n0\r\n\r\n`, expect: hello },
    { name: 'no chunk but the last', rfc: 'RFC 9112 §7.1', send: `${post}0\r\n\r\n`, expect: served({ body: '' }) },
    { name: 'five chunks', rfc: 'RFC 9112 §7.1', send: `${post}${[...'hello'].map(letter => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`, expect: hello },
    { name: 'one after the other', rfc: 'RFC 9112 §7.1', send: [{ write: `${post}2\r` }, { write: '\nhe\r\n3\r\nl' }, { upstreamSees: 'he' }, { write: 'lo' }, { write: '\r\n0\r\n' }, { write: '\r\n' }], expect: hello },
    { name: 'a body that looks like a request', rfc: 'RFC 9112 §7.1', send: `${post}${bytesOf(inner).toString(16)}\r\n${inner}\r\n0\r\n\r\n`, expect: served({ method: 'POST', body: inner }) },
    { name: 'leading zeros', rfc: 'RFC 9112 §7.1', send: `${post}0005\r\nhello\r\n000\r\n\r\n`, expect: hello },
    { name: 'a size in capitals', rfc: 'RFC 9112 §7.1', send: `${post}A\r\nhellohello\r\n0\r\n\r\n`, expect: served({ body: 'hellohello' }) },
    { name: 'a size in small letters', rfc: 'RFC 9112 §7.1', send: `${post}a\r\nhellohello\r\n0\r\n\r\n`, expect: served({ body: 'hellohello' }) },
    ...invalidSizes.map(size => ({ name: `an invalid size ${JSON.stringify(size)}`, rfc: 'RFC 9112 §7.1', send: `${post}${size}${rest}`, expect: brokenOff })),
    { name: 'a space and more behind the size', rfc: 'RFC 9112 §7.1', send: `${post}5 5${rest}`, expect: refusedHere() },
    { name: 'spaces behind the size', rfc: 'RFC 9112 §7.1', send: `${post}5 \r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    ...[';a', ';a=b', ';a="b;c"', ';a=b;c=d', ';a="\\""'].map(extension => ({ name: `an extension ${extension}`, rfc: 'RFC 9112 §7.1.1', send: `${post}5${extension}\r\nhello\r\n0${extension}\r\n\r\n`, expect: hello })),
    { name: 'spaces before an extension', rfc: 'RFC 9112 §7.1.1', send: `${post}5 ;a=b\r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'an extension without a name', rfc: 'RFC 9112 §7.1.1', send: `${post}5;\r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'a line break within quotes in an extension', rfc: 'RFC 9112 §7.1.1', send: `${post}5;a="\r\nhello"\r\n0\r\n\r\n${smuggled}`, expect: brokenOff },
    { name: 'a bare LF in an extension', rfc: 'RFC 9112 §7.1.1', send: `${post}5;a\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'a bare LF in an extension that hides a request', rfc: 'RFC 9112 §7.1.1', send: `${post}2;\nxx\r\n45\r\n0\r\n\r\n${smuggled}`, expect: brokenOff },
    { name: 'a bare CR in an extension', rfc: 'RFC 9112 §7.1.1', send: `${post}5;a\rb\r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'a NUL in an extension', rfc: 'RFC 9112 §7.1.1', send: `${post}5;a\x00\r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'extensions of 20 KiB', rfc: 'RFC 9112 §7.1.1', send: `${post}5;a=${'b'.repeat(20_480)}\r\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'extensions of 20 KiB in many chunks', rfc: 'RFC 9112 §7.1.1', send: `${post}${`1;${'b'.repeat(1_000)}\r\nx\r\n`.repeat(20)}0\r\n\r\n`, expect: servedHere({ body: 'x'.repeat(20) }) },
    { name: 'a bare LF behind the size', rfc: 'RFC 9112 §7.1', send: `${post}5\nhello\r\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'a bare CR behind the size', rfc: 'RFC 9112 §7.1', send: `${post}5\rhello\r\n0\r\n\r\n${smuggled}`, expect: brokenOff },
    { name: 'a bare LF behind a chunk', rfc: 'RFC 9112 §7.1', send: `${post}5\r\nhello\n0\r\n\r\n`, expect: refusedHere() },
    { name: 'bare LFs all through', rfc: 'RFC 9112 §7.1', send: `${post}5\nhello\n0\n\n`, expect: refusedHere() },
    { name: 'a bare LF at the very end', rfc: 'RFC 9112 §7.1', send: `${post}5\r\nhello\r\n0\r\n\n`, expect: refusedHere() },
    { name: 'no line end behind a chunk', rfc: 'RFC 9112 §7.1', send: `${post}5\r\nhello0\r\n\r\n${smuggled}`, expect: brokenOff },
    { name: 'a chunk longer than its size', rfc: 'RFC 9112 §7.1', send: `${post}3\r\nhello\r\n0\r\n\r\n${smuggled}`, expect: brokenOff },
    { name: 'a chunk shorter than its size', rfc: 'RFC 9112 §7.1', send: `${post}6\r\nhello\r\n0\r\n\r\n${smuggled}`, expect: refusedHere() },
    { name: 'a fault found once the upstream has the first chunk', rfc: 'RFC 9112 §7.1', send: [{ write: `${post}5\r\nhello\r\n` }, { upstreamSees: 'hello' }, { write: `xyz\r\n\r\n${smuggled}` }], expect: brokenOff },
  ],
}
