import { bytesOf, type CaseGroup, head, refused, refusedHere, served, servedHere, smuggled } from '../case.ts'

const post = (...lines: readonly string[]) => head('POST /x HTTP/1.1', ...lines)
const invalid = ['+5', '-5', '0x5', '5 5', '', '5;', '5.0', '5e0', 'five', '"5"', '5,', ',5', '5,6', '5, 6', '5\x00', '\x0b5', '5\x0c', '\xa05', '\xb2', '5_0', '0,5']

export const lengths: CaseGroup = {
  title: 'Content-Length',
  cases: [
    { name: 'a body of its length', rfc: 'RFC 9112 §6.2', send: `${post('Content-Length: 5')}hello`, expect: served({ method: 'POST', target: '/x', body: 'hello', has: { 'content-length': '5' } }) },
    { name: 'a length of 0', rfc: 'RFC 9112 §6.2', send: post('Content-Length: 0'), expect: served({ method: 'POST', body: '' }) },
    { name: 'POST with neither length nor body', rfc: 'RFC 9112 §6.3', send: post(), expect: served({ method: 'POST', body: '' }) },
    ...['GET', 'DELETE', 'HEAD', 'OPTIONS'].map(method => ({ name: `${method} with a body`, rfc: 'RFC 9110 §9.3', send: `${head(`${method} /x HTTP/1.1`, 'Content-Length: 5')}hello`, expect: servedHere({ method, body: 'hello' }) })),
    ...[' 5 ', '\t5', '   5'].map(value => ({ name: `spaces around it ${JSON.stringify(value)}`, rfc: 'RFC 9110 §5.5', send: `${post(`Content-Length:${value}`)}hello`, expect: served({ body: 'hello' }) })),
    { name: 'no space behind the colon', rfc: 'RFC 9112 §5', send: `${post('Content-Length:5')}hello`, expect: served({ body: 'hello' }) },
    { name: 'leading zeros', rfc: 'contract', rule: 'latchkey' as const, send: `${post('Content-Length: 0005')}hello`, expect: servedHere({ body: 'hello', lacksText: '0005' }) },
    ...invalid.map(value => ({ name: `an invalid value ${JSON.stringify(value)}`, rfc: 'RFC 9112 §6.3', send: `${post(`Content-Length: ${value}`)}hello${smuggled}`, expect: refused() })),
    { name: 'twice, different', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 0', `Content-Length: ${bytesOf(smuggled)}`)}${smuggled}`, expect: refused() },
    { name: 'twice, different, the other way round', rfc: 'RFC 9112 §6.3', send: `${post(`Content-Length: ${bytesOf(smuggled)}`, 'Content-Length: 0')}${smuggled}`, expect: refused() },
    { name: 'twice, different in case', rfc: 'RFC 9112 §6.3', send: `${post('content-length: 0', 'CONTENT-LENGTH: 5')}hello`, expect: refused() },
    { name: 'twice, the same', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 5', 'Content-Length: 5')}hello`, expect: refusedHere() },
    { name: 'a list of the same', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 5, 5')}hello`, expect: refusedHere() },
    ...['18446744073709551616', '18446744073709551621', '99999999999999999999999999'].map(value => ({ name: `overflowing ${value}`, rfc: 'RFC 9110 §8.6', send: `${post(`Content-Length: ${value}`)}hello${smuggled}`, expect: refusedHere() })),
    { name: 'beyond 63 bits', rfc: 'RFC 9110 §8.6', send: `${post('Content-Length: 9223372036854775808')}hello${smuggled}`, expect: refusedHere(413, 'body_too_large') },
    { name: 'over the route\'s bound', rfc: 'contract', rule: 'latchkey' as const, send: post('Content-Length: 10485761'), expect: refusedHere(413, 'body_too_large') },
    ...[' ', '\t', '\x0b', '\x0c', '\x00', '\xa0'].map(space => ({ name: `${JSON.stringify(space)} before the colon`, rfc: 'RFC 9112 §5.1', send: `${post(`Content-Length${space}: 5`)}hello`, expect: ' \t'.includes(space) ? refused() : refusedHere() })),
    { name: 'spelt with an underscore', rfc: 'contract', rule: 'latchkey' as const, send: post('Content_Length: 5'), expect: served({ lacks: ['content_length'], has: { 'content-length': '0' } }) },
    { name: 'on a folded line', rfc: 'RFC 9112 §5.2', send: `${post('Content-Length:', ' 5')}hello`, expect: refusedHere() },
    { name: 'hidden behind a bare LF', rfc: 'RFC 9112 §2.2', send: `${post(`X: y\nContent-Length: ${bytesOf(smuggled)}`)}${smuggled}`, expect: refusedHere() },
    { name: 'hidden behind a bare CR', rfc: 'RFC 9112 §2.2', send: `${post(`X: y\rContent-Length: ${bytesOf(smuggled)}`)}${smuggled}`, expect: { ...refusedHere(), executed: 0 } },
    { name: 'more bytes than it says', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 5')}hello, world`, expect: { rfc: 'either', statuses: [200, 400], executed: 1, closes: true, received: [{ body: 'hello' }] } },
  ],
}
