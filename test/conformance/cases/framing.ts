import { type CaseGroup, head, refused, served, smuggled } from '../case.ts'

const post = (...lines: readonly string[]) => head('POST /x HTTP/1.1', ...lines)

export const framing: CaseGroup = {
  title: 'framing',
  cases: [
    { name: 'a body of its length', rfc: 'RFC 9112 §6.2', send: `${post('Content-Length: 5')}hello`, expect: served({ method: 'POST', target: '/x', body: 'hello' }) },
    { name: 'a chunked body', rfc: 'RFC 9112 §7.1', send: `${post('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`, expect: served({ body: 'hello' }) },
    { name: 'two different lengths', rfc: 'RFC 9112 §6.3', send: `${post('Content-Length: 0', `Content-Length: ${smuggled.length}`)}${smuggled}`, expect: refused() },
  ],
}
