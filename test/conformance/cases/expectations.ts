import { type CaseGroup, head, refusedHere, served, servedHere, smuggled } from '../case.ts'

const post = (...lines: readonly string[]) => head('POST /x HTTP/1.1', 'Content-Length: 5', ...lines)
const proceed = 'HTTP/1.1 100 Continue\r\n\r\n'

export const expectations: CaseGroup = {
  title: 'Expect',
  cases: [
    { name: '100-continue, its body sent once asked for', rfc: 'RFC 9110 §10.1.1', send: [{ write: post('Expect: 100-continue') }, { sees: proceed }, { write: 'hello' }], expect: served({ body: 'hello' }) },
    { name: '100-continue, its body sent at once', rfc: 'RFC 9110 §10.1.1', send: `${post('Expect: 100-continue')}hello`, expect: served({ body: 'hello' }) },
    { name: '100-Continue in another case', rfc: 'RFC 9110 §10.1.1', send: [{ write: post('EXPECT: 100-Continue') }, { sees: proceed }, { write: 'hello' }], expect: served({ body: 'hello' }) },
    { name: '100-continue twice', rfc: 'RFC 9110 §10.1.1', send: [{ write: post('Expect: 100-continue', 'Expect: 100-continue') }, { sees: proceed }, { write: 'hello' }], expect: servedHere({ body: 'hello' }) },
    { name: '100-continue without a body', rfc: 'RFC 9110 §10.1.1', send: head('GET /x HTTP/1.1', 'Expect: 100-continue'), expect: served({ target: '/x' }) },
    { name: '100-continue with a chunked body', rfc: 'RFC 9110 §10.1.1', send: [{ write: head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked', 'Expect: 100-continue') }, { sees: proceed }, { write: '5\r\nhello\r\n0\r\n\r\n' }], expect: served({ body: 'hello' }) },
    { name: '100-continue of a refused request', rfc: 'contract', rule: 'latchkey', send: `POST /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n${smuggled}`, expect: { rfc: 'either', statuses: [401], executed: 0, closes: true } },
    { name: 'HTTP/1.0 is never told to continue', rfc: 'RFC 9110 §10.1.1', send: `${head('POST /x HTTP/1.0', 'Content-Length: 5', 'Expect: 100-continue')}hello`, expect: { ...served({ body: 'hello' }), answers: [{ body: 'ran POST /x' }], closes: true } },
    { name: 'another expectation in HTTP/1.0 is ignored', rfc: 'RFC 9110 §10.1.1', send: `${head('POST /x HTTP/1.0', 'Content-Length: 5', 'Expect: other')}hello`, expect: { ...servedHere({ body: 'hello' }), closes: true } },
    ...['other', '100-continue, other', '100-continued', '100', 'x100-continue', '100-continue;q=1', ''].map(value => ({ name: `another expectation ${JSON.stringify(value)}`, rfc: 'RFC 9110 §10.1.1', send: `${post(`Expect: ${value}`)}hello`, expect: refusedHere(417, 'expectation_failed') })),
  ],
}
