import { answers as conformance } from '../../conformance/cases/answers-all.ts'
import { answer, chunked, ok } from '../../conformance/cases/answers.ts'

export interface Sample {
  readonly name: string
  /** Latin-1. */
  readonly text: string
}

const json = '{"id":1,"name":"a name"}'
const usual = ['Server: nginx/1.24.0', 'Date: Sun, 22 Nov 2026 21:00:00 GMT', 'Content-Type: application/json', 'Connection: keep-alive']

const samples: readonly Sample[] = [
  ...Object.entries({
    nginx: answer('HTTP/1.1 200 OK', [...usual, `Content-Length: ${json.length}`], json),
    node: answer('HTTP/1.1 200 OK', ['X-Powered-By: Express', 'Vary: Origin', 'ETag: W/"1"', 'Keep-Alive: timeout=5', ...usual, 'Transfer-Encoding: chunked'], `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`),
    'HTTP/1.0': answer('HTTP/1.0 200 OK', ['Server: old'], 'until the end'),
    'HTTP/1.0 with a length': answer('HTTP/1.0 200 OK', ['Content-Length: 2'], 'ok'),
    'HTTP/1.0 that goes on': answer('HTTP/1.0 200 OK', ['Connection: Keep-Alive', 'Content-Length: 2'], 'ok'),
    'HTTP/1.0 that goes on, without a length': answer('HTTP/1.0 200 OK', ['Connection: keep-alive'], 'ok'),
    close: ok('Connection: close'),
    'close in a list': ok('Connection: keep-alive, close'),
    'close in a second line': ok('Connection: keep-alive', 'Connection: Close'),
    'close by the name of old': ok('Proxy-Connection: close'),
    'close among the trailers': chunked('2\r\nok\r\n0\r\nConnection: close\r\n\r\n'),
    'a name that begins with close': ok('Connection: closed'),
    'Keep-Alive': ok('Keep-Alive: timeout=1, max=3'),
    'nothing behind the head': answer('HTTP/1.1 200 OK', ['Connection: close']),
    'names in all spellings': answer('HTTP/1.1 200 OK', ['CONTENT-LENGTH: 2', 'x-a: 1', 'X-A: 2', 'CoNnEcTiOn: X-Hop', 'x-HOP: 1'], 'ok'),
    'all singletons twice': ok(...['Age', 'Content-Location', 'Content-Range', 'Content-Type', 'Date', 'ETag', 'Expires', 'Last-Modified', 'Location', 'Retry-After', 'Server'].flatMap(name => [`${name}: 1`, `${name}: 2`])),
    'every sign that names may have': ok('!#$%&\'*+-.^_`|~09azAZ: 1'),
    'every byte that values may have': ok(`X-A: a${String.fromCharCode(9, ...range(32, 127), ...range(128, 256))}z`),
    'an nbsp behind values': ok('X-A: 1\xa0', 'Connection: x-a\xa0', 'X-B: \x85'),
    'an nbsp behind chunked': answer('HTTP/1.1 200 OK', ['Transfer-Encoding: chunked\xa0'], '2\r\nok\r\n0\r\n\r\n'),
    'chunked in capitals, with blanks': answer('HTTP/1.1 200 OK', ['Transfer-Encoding: \t CHUNKED\t '], '2\r\nok\r\n0\r\n\r\n'),
    'many chunks': chunked(`${'1\r\na\r\n02\r\nbc\r\n'.repeat(20)}0\r\n\r\n`),
    'chunks with all kinds of extensions': chunked('1;a\r\na\r\n1;a=b\r\nb\r\n1;a="b; \\" \\\\ \x80"\r\nc\r\n1;a=1;b;c="";d\r\nd\r\n0;x=y\r\n\r\n'),
    'an extension that ends early': chunked('1;a="b\r\na\r\n0\r\n\r\n'),
    'an extension with blanks': chunked('1; a=b\r\na\r\n0\r\n\r\n'),
    'an extension without a name': chunked('1;\r\na\r\n0\r\n\r\n'),
    'an extension without a value': chunked('1;a=\r\na\r\n0\r\n\r\n'),
    'an extension with a control character': chunked('1;a="\x01"\r\na\r\n0\r\n\r\n'),
    'a blank behind a size': chunked('1 \r\na\r\n0\r\n\r\n'),
    'a CR alone behind a size': chunked('1\ra\r\n0\r\n\r\n'),
    'a CR alone behind a chunk': chunked('1\r\na\r0\r\n\r\n'),
    'an LF alone behind a chunk': chunked('1\r\na\n0\r\n\r\n'),
    'another sign for the LF behind a chunk': chunked('1\r\na\rx0\r\n\r\n'),
    'another sign for the LF behind a size': chunked('1\rxa\r\n0\r\n\r\n'),
    'another sign for the LF behind the last size': chunked('1\r\na\r\n0\rx\r\n'),
    'another sign for the CR behind a chunk': chunked('1\r\nax\n0\r\n\r\n'),
    'a chunk larger than numbers hold': chunked('ffffffffffffffff\r\na'),
    'a chunk larger than that': chunked('1000000000000000f\r\na'),
    'trailers of all kinds': chunked('1\r\na\r\n0\r\nX-A: 1\r\nx-b:\t2 \r\nX-A:\r\n\r\n'),
    'a trailer without a colon': chunked('1\r\na\r\n0\r\nX-A\r\n\r\n'),
    'a folded trailer': chunked('1\r\na\r\n0\r\nX-A: 1\r\n 2\r\n\r\n'),
    'a trailer that ends in LF': chunked('1\r\na\r\n0\r\nX-A: 1\n\r\n'),
    'LF behind the last chunk': chunked('1\r\na\r\n0\r\n\n'),
    'a Transfer-Encoding among the trailers': chunked('1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
    'bytes behind the last chunk': chunked('1\r\na\r\n0\r\n\r\n\r\n'),
    'a status of HTTP/1.2': answer('HTTP/1.2 200 OK', ['Content-Length: 2'], 'ok'),
    'an ICY status': answer('ICY 200 OK', ['Content-Length: 2'], 'ok'),
    'two blanks before the status': answer('HTTP/1.1  200 OK', ['Content-Length: 2'], 'ok'),
    'a control character in the reason': answer('HTTP/1.1 200 O\x01K', ['Content-Length: 2'], 'ok'),
    'a tab and 8 bits in the reason': answer('HTTP/1.1 200 \tO\xe9', ['Content-Length: 2'], 'ok'),
    '304 with a chunked coding': answer('HTTP/1.1 304 Not Modified', ['Transfer-Encoding: chunked']),
    '204 with a length': answer('HTTP/1.1 204 No Content', ['Content-Length: 5']),
    '205 without a length': answer('HTTP/1.1 205 Reset Content'),
    'an interim answer that is broken': `HTTP/1.1 103 Early\r\nX A: 1\r\n\r\n${ok()}`,
    'interim answers of both versions': `HTTP/1.0 100\r\n\r\nHTTP/1.1 199 \r\nX: y\r\n\r\n${ok()}`,
    'an interim answer with lengths': `HTTP/1.1 103 Early\r\nContent-Length: 0\r\n\r\n${ok()}`,
    'a line break before the head': `\r\n${ok()}`,
    nothing: '',
    'a line break': '\r\n',
    TLS: '\x15\x03\x01\x00\x02\x02\x28',
    'HTTP/2': '\x00\x00\x12\x04\x00\x00\x00\x00\x00',
  }).map(([name, text]) => ({ name, text })),
]

/** Answers of all kinds, good and hostile: these, and those that the conformance tests have upstreams send. */
export const corpus: readonly Sample[] = [...samples, ...conformance.flatMap(({ cases }) => cases.flatMap(({ name, upstream }) => {
  if (upstream === undefined) return []
  const steps = typeof upstream.answer === 'string' ? [{ write: upstream.answer }] : upstream.answer
  return [{ name, text: steps.map(step => 'write' in step ? step.write : '').join('') }]
}))]

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
