import { type CaseGroup, refused, refusedHere, served, servedHere } from '../case.ts'

const get = (...hosts: readonly string[]) => ['GET /x HTTP/1.1', ...hosts, 'x-api-key: {key}', '', ''].join('\r\n')
const invalid = ['a b', 'a/b', 'a@b', 'user:pw@gateway.test', 'a?b', 'a#b', 'a\\b', '<a>', 'a"b', 'a:b', 'a:80:80', 'a:-1', 'a:8 0', '[::1', '::1]', '::1', '[::1]x', '[g::1]', '\xe4.test', 'a\x00b', 'a%', 'a%4', 'a\tb', 'http://gateway.test', 'gateway.test/x']
/** Valid to RFC 3986, and no name that is in use. */
const odd = ['a,b', 'gateway.test,other.test', 'a;b', 'a=b', 'a%41', '*', 'a(b)', 'a:', 'a:123456', 'a:65536', 'gateway.test..', '.', '..', '.a', 'a..b', ':80']

export const hosts: CaseGroup = {
  title: 'Host',
  cases: [
    ...['gateway.test', 'Gateway.Test:8080', '127.0.0.1:1', '[::1]:8080', '[::ffff:127.0.0.1]', 'my_service', 'localhost', 'xn--mnchen-3ya.test', 'gateway.test.'].map(host => ({ name: host, rfc: 'RFC 9110 §7.2', send: get(`Host: ${host}`), expect: served({ target: '/x' }) })),
    { name: 'spaces around it', rfc: 'RFC 9110 §5.5', send: get('Host: \t gateway.test \t'), expect: served({ target: '/x' }) },
    { name: 'none', rfc: 'RFC 9112 §3.2', send: get(), expect: refused() },
    { name: 'empty', rfc: 'RFC 9110 §7.2', send: get('Host:'), expect: servedHere({ target: '/x' }) },
    { name: 'twice, the same', rfc: 'RFC 9112 §3.2', send: get('Host: gateway.test', 'Host: gateway.test'), expect: refused() },
    { name: 'twice, different', rfc: 'RFC 9112 §3.2', send: get('Host: gateway.test', 'Host: other.test'), expect: refused() },
    { name: 'twice, different in case', rfc: 'RFC 9112 §3.2', send: get('host: gateway.test', 'HOST: other.test'), expect: refused() },
    { name: 'twice, one of them empty', rfc: 'RFC 9112 §3.2', send: get('Host: gateway.test', 'Host:'), expect: refused() },
    { name: 'twice, the first empty', rfc: 'RFC 9112 §3.2', send: get('Host:', 'Host: gateway.test'), expect: refused() },
    { name: 'twice, the other with a space before its colon', rfc: 'RFC 9112 §5.1', send: get('Host: gateway.test', 'Host : other.test'), expect: refused() },
    { name: 'twice, the other folded', rfc: 'RFC 9112 §5.2', send: get('X: y', ' Host: other.test', 'Host: gateway.test'), expect: refusedHere() },
    ...invalid.map(host => ({ name: `invalid ${JSON.stringify(host)}`, rfc: 'RFC 9112 §3.2', send: get(`Host: ${host}`), expect: refused() })),
    ...odd.map(host => ({ name: `odd ${host}`, rfc: 'contract', rule: 'latchkey' as const, send: get(`Host: ${host}`), expect: refusedHere() })),
    { name: 'X-Host and X-Forwarded-Host beside it', rfc: 'contract', rule: 'latchkey', send: get('Host: gateway.test', 'X-Forwarded-Host: forged.test'), expect: served({ has: { 'x-forwarded-host': 'gateway.test' }, lacksText: 'forged' }) },
  ],
}
