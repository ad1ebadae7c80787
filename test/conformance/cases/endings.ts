import { type CaseGroup, type ClientStep, type Expectation, head, served, servedHere } from '../case.ts'

const get = (path: string) => head(`GET ${path} HTTP/1.1`)
const post = head('POST /x HTTP/1.1', 'Content-Length: 10')
const chunked = head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked')
const ended = (write: string): readonly ClientStep[] => [{ write }, { do: 'halfClose' }]
const cutShort: Expectation = { rfc: 'refuse', statuses: [400], code: 'bad_request', executed: 0 }
const dropped: Expectation = { rfc: 'refuse', statuses: [], executed: 0 }

export const endings: CaseGroup = {
  title: 'a client that ends',
  cases: [
    { name: 'its side behind a request', rfc: 'RFC 9112 §9.6', send: ended(get('/x')), expect: servedHere({ target: '/x' }) },
    { name: 'its side behind a body', rfc: 'RFC 9112 §9.6', send: ended(`${post}0123456789`), expect: servedHere({ body: '0123456789' }) },
    { name: 'its side behind a chunked body', rfc: 'RFC 9112 §9.6', send: ended(`${chunked}5\r\nhello\r\n0\r\n\r\n`), expect: servedHere({ body: 'hello' }) },
    { name: 'its side behind two requests', rfc: 'RFC 9112 §9.6', send: ended(get('/a') + get('/b')), expect: servedHere({ target: '/a' }, { target: '/b' }) },
    { name: 'its side behind a request of HTTP/1.0', rfc: 'RFC 9112 §9.6', send: ended(head('GET /x HTTP/1.0')), expect: servedHere({ target: '/x' }) },
    { name: 'its side while the upstream thinks', rfc: 'RFC 9112 §9.6', send: [{ write: get('/x') }, { upstreamSees: '/x' }, { do: 'halfClose' }], expect: servedHere({ target: '/x' }) },
    { name: 'everything without a word', rfc: 'RFC 9112 §9.6', send: [{ do: 'halfClose' }], expect: dropped },
    { name: 'in the request line', rfc: 'RFC 9112 §8', send: ended('GET /x HT'), expect: cutShort },
    { name: 'in a header line', rfc: 'RFC 9112 §8', send: ended(get('/x').slice(0, 40)), expect: cutShort },
    { name: 'before the head\'s last line end', rfc: 'RFC 9112 §8', send: ended(get('/x').slice(0, -2)), expect: cutShort },
    { name: 'in a body', rfc: 'RFC 9112 §8', send: ended(`${post}01234`), expect: dropped },
    { name: 'before a body', rfc: 'RFC 9112 §8', send: ended(post), expect: dropped },
    { name: 'in a chunk', rfc: 'RFC 9112 §8', send: ended(`${chunked}5\r\nhel`), expect: dropped },
    { name: 'behind a chunk', rfc: 'RFC 9112 §8', send: ended(`${chunked}5\r\nhello\r\n`), expect: dropped },
    { name: 'in the last chunk', rfc: 'RFC 9112 §8', send: ended(`${chunked}5\r\nhello\r\n0\r\n`), expect: dropped },
    { name: 'in the body of a second request', rfc: 'RFC 9112 §8', send: ended(`${get('/a')}${post}01234`), expect: { rfc: 'either', statuses: [200, 400], executed: 1 } },
    { name: 'in a body that the upstream has begun to receive', rfc: 'RFC 9112 §8', send: [{ write: `${post}01234` }, { upstreamSees: '01234' }, { do: 'halfClose' }], expect: dropped },
    { name: 'with a reset in a body', rfc: 'RFC 9112 §8', send: [{ write: `${post}01234` }, { upstreamSees: '01234' }, { do: 'reset' }], expect: dropped },
    { name: 'with a reset in a chunked body', rfc: 'RFC 9112 §8', send: [{ write: `${chunked}5\r\nhello\r\n` }, { upstreamSees: 'hello' }, { do: 'reset' }], expect: dropped },
    { name: 'a body byte by byte', rfc: 'RFC 9112 §6.3', send: `${post}0123456789`.split(/(?<=^[^{]*|\}[^]*)/).map(write => ({ write })), expect: served({ body: '0123456789' }) },
  ],
}
