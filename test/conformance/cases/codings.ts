import { bytesOf, type CaseGroup, head, refused, refusedHere, served, smuggled } from '../case.ts'

const post = (...lines: readonly string[]) => head('POST /x HTTP/1.1', ...lines)
const body = '5\r\nhello\r\n0\r\n\r\n'
/** To who doesn't take it for chunked: a body without a length, and so another request. */
const hidden = `0\r\n\r\n${smuggled}`

const invalid = [
  'chunked, chunked', 'chunked,chunked', 'xchunked', 'chunkedx', 'chunke', 'chunked;q=1', 'chunked; a=b', 'gzip', 'identity', 'chunked, identity', 'chunked, gzip',
  '"chunked"', '\'chunked\'', 'chunked\x00', '\x0bchunked', 'chunked\x0c', 'chunked\xa0', 'chun ked', 'chunked x', '5', '\\chunked', 'cow', 'chunked, cow',
]

export const codings: CaseGroup = {
  title: 'Transfer-Encoding',
  cases: [
    { name: 'a chunked body', rfc: 'RFC 9112 §7.1', send: post('Transfer-Encoding: chunked') + body, expect: served({ body: 'hello' }) },
    ...['Chunked', 'CHUNKED', '\tchunked', 'chunked '].map(value => ({ name: JSON.stringify(value), rfc: 'RFC 9112 §7', send: post(`Transfer-Encoding: ${value}`) + body, expect: served({ body: 'hello' }) })),
    // Optional whitespace. llhttp takes a tab there for a part of the coding.
    { name: 'a tab behind it', rfc: 'RFC 9112 §7', send: post('Transfer-Encoding: chunked\t') + body, expect: refusedHere() },
    { name: 'a name in capitals', rfc: 'RFC 9110 §5.1', send: post('TRANSFER-ENCODING: chunked') + body, expect: served({ body: 'hello' }) },
    ...invalid.map(value => ({ name: JSON.stringify(value), rfc: 'RFC 9112 §6.3', send: post(`Transfer-Encoding: ${value}`) + hidden, expect: refused() })),
    { name: 'two lines, both chunked', rfc: 'RFC 9112 §6.1', send: post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + hidden, expect: refused() },
    { name: 'two lines, chunked and identity', rfc: 'RFC 9112 §6.3', send: post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + hidden, expect: refused() },
    { name: 'two lines, chunked and empty', rfc: 'RFC 9110 §5.6.1', send: post('Transfer-Encoding: chunked', 'Transfer-Encoding: ') + body, expect: refusedHere() },
    ...['gzip, chunked', 'identity, chunked', 'cow, chunked'].map(value => ({ name: JSON.stringify(value), rfc: 'RFC 9112 §6.1', send: post(`Transfer-Encoding: ${value}`) + body, expect: refusedHere() })),
    ...[', chunked', 'chunked,', 'chunked, '].map(value => ({ name: JSON.stringify(value), rfc: 'RFC 9110 §5.6.1', send: post(`Transfer-Encoding: ${value}`) + body, expect: refusedHere() })),
    { name: 'an empty list', rfc: 'RFC 9110 §5.6.1', send: post('Transfer-Encoding:') + hidden, expect: refusedHere() },
    { name: 'before a Content-Length', rfc: 'RFC 9112 §6.3', send: post('Transfer-Encoding: chunked', `Content-Length: ${bytesOf(hidden)}`) + hidden, expect: refusedHere() },
    { name: 'behind a Content-Length', rfc: 'RFC 9112 §6.3', send: post('Content-Length: 4', 'Transfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'beside a Content-Length of 0', rfc: 'RFC 9112 §6.3', send: post('Content-Length: 0', 'Transfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'an unknown one beside a Content-Length', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 5', 'Transfer-Encoding: xchunked')}hello${smuggled}`, expect: refused() },
    { name: 'beside an invalid Content-Length', rfc: 'RFC 9112 §6.3', send: post('Content-Length: x', 'Transfer-Encoding: chunked') + hidden, expect: refused() },
    { name: 'in HTTP/1.0', rfc: 'RFC 9112 §6.1', send: head('POST /x HTTP/1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'beside a Content-Length in HTTP/1.0', rfc: 'RFC 9112 §6.1', send: head('POST /x HTTP/1.0', 'Connection: keep-alive', 'Content-Length: 5', 'Transfer-Encoding: chunked') + hidden, expect: refusedHere() },
    ...[' ', '\t', '\x0b', '\x00', '\xa0'].map(space => ({ name: `${JSON.stringify(space)} before the colon`, rfc: 'RFC 9112 §5.1', send: post(`Transfer-Encoding${space}: chunked`) + hidden, expect: ' \t'.includes(space) ? refused() : refusedHere() })),
    { name: 'with a Content-Length and a space before the colon', rfc: 'RFC 9112 §5.1', send: `${post('Content-Length: 5', 'Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`, expect: refused() },
    { name: 'a folded value', rfc: 'RFC 9112 §5.2', send: post('Transfer-Encoding:', ' chunked') + hidden, expect: refusedHere() },
    { name: 'folded behind another', rfc: 'RFC 9112 §5.2', send: post('X: y', ' Transfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'behind a bare LF', rfc: 'RFC 9112 §2.2', send: post('X: y\nTransfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'behind a bare CR', rfc: 'RFC 9112 §2.2', send: post('X: y\rTransfer-Encoding: chunked') + hidden, expect: refusedHere() },
    { name: 'spelt with an underscore', rfc: 'contract', rule: 'latchkey' as const, send: post('Transfer_Encoding: chunked'), expect: served({ lacks: ['transfer_encoding', 'transfer-encoding'] }) },
    { name: 'nominated by Connection', rfc: 'RFC 9110 §7.6.1', send: post('Connection: transfer-encoding', 'Transfer-Encoding: chunked') + body, expect: served({ body: 'hello' }) },
    { name: 'TE: chunked', rfc: 'RFC 9110 §10.1.4', send: post('TE: chunked', 'Content-Length: 5') + 'hello', expect: served({ body: 'hello' }) },
  ],
}
