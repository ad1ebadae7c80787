import { type CaseGroup, head, refusedByAdvice, refusedHere, served, servedHere } from '../case.ts'

const of = (method: string) => head(`${method} /x HTTP/1.1`)

export const methods: CaseGroup = {
  title: 'methods',
  cases: [
    ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL', 'M-SEARCH', 'PURGE'].map(method => ({ name: method, rfc: 'RFC 9110 §9', send: of(method), expect: servedHere({ method, target: '/x' }) })),
    { name: 'HEAD is answered without a body', rfc: 'RFC 9110 §9.3.2', send: of('HEAD') + head('GET /y HTTP/1.1'), expect: served({ method: 'HEAD' }, { method: 'GET', target: '/y' }) },
    { name: 'TRACE', rfc: 'RFC 9110 §9.3.8', send: of('TRACE'), expect: refusedHere(405, 'method_not_allowed') },
    { name: 'TRACE with a body', rfc: 'RFC 9110 §9.3.8', send: `${head('TRACE /x HTTP/1.1', 'Content-Length: 5')}hello`, expect: refusedHere(405, 'method_not_allowed') },
    ...['FOO', 'GETT', 'get', 'Get', 'x', 'G!T', 'GET-', 'PRI'].map(method => ({ name: `${method}, which nobody knows`, rfc: 'RFC 9110 §9.1', send: of(method), expect: refusedHere() })),
    ...['G@T', 'G(T', 'GET:', '"GET"', 'G\x00T', 'G\x7fT', 'G\xe4T', '<script>', 'GET,', '{}'].map(method => ({ name: `${JSON.stringify(method)}, which is no token`, rfc: 'RFC 9112 §3.1', send: of(method), expect: refusedByAdvice() })),
    { name: 'X-HTTP-Method-Override is the upstream\'s business', rfc: 'RFC 9110 §9', send: head('POST /x HTTP/1.1', 'X-HTTP-Method-Override: DELETE'), expect: served({ method: 'POST' }) },
  ],
}
