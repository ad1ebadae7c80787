import { type CaseGroup, head } from '../case.ts'
import { answer, answered, answeredAndEnded, brokenOff, chunked, get, ok, passedOn, replaced, replacedOr } from './answers.ts'

const okBody = { body: 'ok' }
const sized = (...lines: readonly string[]) => answer('HTTP/1.1 200 OK', lines, 'ok')
const chunks = '2\r\nok\r\n0\r\n\r\n'
const long = 'x'.repeat(20_000)

export const framingOfAnswers: CaseGroup = {
  title: 'framing of answers',
  cases: [
    answered('an answer of its length', 'RFC 9112 §6.2', ok(), passedOn({ body: 'ok', has: { 'content-length': '2' } })),
    answered('an empty answer', 'RFC 9112 §6.2', answer('HTTP/1.1 200 OK', ['Content-Length: 0']), passedOn({ body: '' })),
    answered('a chunked answer', 'RFC 9112 §7.1', chunked('2\r\nok\r\n1\r\n!\r\n0\r\n\r\n'), passedOn({ body: 'ok!' })),
    answered('chunk sizes in capitals, with leading zeros', 'RFC 9112 §7.1', chunked('000A\r\n0123456789\r\n00\r\n\r\n'), passedOn({ body: '0123456789' })),
    answered('a chunk extension', 'RFC 9112 §7.1.1', chunked('2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n'), passedOn(okBody)),
    answered('a chunk extension of 20,000 bytes', 'RFC 9112 §7.1.1', chunked(`2;a=${long}\r\nok\r\n0\r\n\r\n`), { ...passedOn(okBody), rfc: 'either' }),
    answered('trailers', 'RFC 9110 §6.5', chunked('2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n', 'Trailer: X-Sum'), passedOn({ body: 'ok', lacks: ['x-sum'] })),
    answered('trailers of 20,000 bytes', 'RFC 9110 §6.5', chunked(`2\r\nok\r\n0\r\nX-Sum: ${long}\r\n\r\n`), { ...brokenOff, rfc: 'either' }),
    answered('a Content-Length among the trailers', 'RFC 9110 §6.5.1', chunked('2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n'), { ...brokenOff, rfc: 'either' }),
    answered('an invalid name among the trailers', 'RFC 9110 §5.1', chunked('2\r\nok\r\n0\r\nX Sum: 1\r\n\r\n'), { ...brokenOff, rfc: 'either' }),
    answeredAndEnded('an answer that ends with the connection', 'RFC 9112 §6.3', answer('HTTP/1.1 200 OK', [], 'until the end'), passedOn({ body: 'until the end' })),
    { name: 'an answer that should end with the connection, which is reset', rfc: 'RFC 9112 §8', send: get, upstream: { answer: [{ write: answer('HTTP/1.1 200 OK', [], 'until') }, { clientSees: 'until' }, { do: 'reset' }] }, expect: { ...brokenOff, rfc: 'either' } },

    answered('Content-Length before Transfer-Encoding', 'RFC 9112 §6.3', answer('HTTP/1.1 200 OK', ['Content-Length: 3', 'Transfer-Encoding: chunked'], chunks), replacedOr(okBody)),
    answered('Transfer-Encoding before Content-Length', 'RFC 9112 §6.3', answer('HTTP/1.1 200 OK', ['Transfer-Encoding: chunked', 'Content-Length: 3'], chunks), replacedOr(okBody)),
    answered('two different lengths', 'RFC 9112 §6.3', sized('Content-Length: 2', 'Content-Length: 3'), replaced),
    answered('the same length twice', 'RFC 9112 §6.3', sized('Content-Length: 2', 'Content-Length: 2'), replacedOr(okBody)),
    answered('a list of the same length', 'RFC 9112 §6.3', sized('Content-Length: 2, 2'), replacedOr(okBody)),
    answered('a list of different lengths', 'RFC 9112 §6.3', sized('Content-Length: 2, 3'), replaced),
    ...['+2', '-2', '0 2', '0x2', '2.0', '2a', '', '99999999999999999999999'].map(value => (
      answered(`Content-Length: ${value === '' ? 'nothing' : value}`, 'RFC 9112 §6.3', sized(`Content-Length: ${value}`), replaced))),
    answered('a length that no number holds', 'contract', sized('Content-Length: 9007199254740993'), { ...replaced, rfc: 'either' }),
    answered('blanks around a length', 'RFC 9112 §5.1', sized('Content-Length:   2   '), passedOn({ body: 'ok', has: { 'content-length': '2' } })),
    answered('whitespace between Content-Length and the colon', 'RFC 9112 §5.1', sized('Content-Length : 2'), replacedOr(okBody)),

    ...['gzip', 'identity', 'xchunked', 'chunked, gzip', '"chunked"', ''].map(value => (
      answeredAndEnded(`Transfer-Encoding: ${value === '' ? 'nothing' : value}`, 'RFC 9112 §6.1', answer('HTTP/1.1 200 OK', [`Transfer-Encoding: ${value}`], chunks), { ...replaced, rfc: 'either' }))),
    answered('Transfer-Encoding: gzip, chunked', 'RFC 9112 §6.1', answer('HTTP/1.1 200 OK', ['Transfer-Encoding: gzip, chunked'], chunks), { ...replaced, rfc: 'either' }),
    answered('chunked twice', 'RFC 9112 §6.1', answer('HTTP/1.1 200 OK', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunks), { ...replaced, rfc: 'either' }),
    answered('chunked behind a vertical tab', 'RFC 9112 §6.1', answer('HTTP/1.1 200 OK', ['Transfer-Encoding: \x0bchunked'], chunks), replaced),
    answered('chunked on a folded line', 'RFC 9112 §5.2', answer('HTTP/1.1 200 OK', ['Transfer-Encoding:', ' chunked'], chunks), replacedOr(okBody)),
    answered('an empty Transfer-Encoding beside a Content-Length', 'RFC 9112 §6.3', sized('Transfer-Encoding: ', 'Content-Length: 2'), { ...replaced, rfc: 'either' }),
    answered('Transfer-Encoding in HTTP/1.0', 'RFC 9112 §6.1', answer('HTTP/1.0 200 OK', ['Connection: keep-alive', 'Transfer-Encoding: chunked'], chunks), { ...replaced, rfc: 'either' }),
    answered('Transfer-Encoding in Connection', 'RFC 9110 §7.6.1', chunked(chunks, 'Connection: transfer-encoding'), passedOn(okBody)),
    answered('Content-Length in Connection', 'RFC 9110 §7.6.1', ok('Connection: content-length'), passedOn(okBody)),

    ...['zz', '-2', '0x2', '11111111111111112', '', '2 x'].map(size => (
      answered(`chunk size: ${size === '' ? 'nothing' : size}`, 'RFC 9112 §7.1', chunked(`${size}\r\nok\r\n0\r\n\r\n`), size === '2 x' ? { ...brokenOff, rfc: 'either' } : brokenOff))),
    answered('bare LF behind chunk sizes', 'RFC 9112 §7.1', chunked('2\nok\r\n0\n\r\n'), { ...brokenOff, rfc: 'either' }),
    answered('a chunk that is longer than it says', 'RFC 9112 §7.1', chunked('2\r\nokay\r\n0\r\n\r\n'), brokenOff),
    answeredAndEnded('no last chunk', 'RFC 9112 §8', chunked('2\r\nok\r\n'), brokenOff),
    answeredAndEnded('no last chunk, and Connection: close', 'RFC 9112 §8', chunked('2\r\nok\r\n', 'Connection: close'), brokenOff),
    answeredAndEnded('fewer bytes than its length', 'RFC 9112 §8', sized('Content-Length: 10'), brokenOff),
    answeredAndEnded('fewer bytes than its length, and Connection: close', 'RFC 9112 §8', sized('Connection: close', 'Content-Length: 10'), brokenOff),
    { name: 'fewer bytes than its length to HTTP/1.0', rfc: 'RFC 9112 §8', send: head('GET /x HTTP/1.0'), upstream: { answer: [{ write: sized('Content-Length: 10') }, { do: 'end' }] }, expect: brokenOff },
    answered('more bytes than its length', 'RFC 9112 §6.3', answer('HTTP/1.1 200 OK', ['Content-Length: 2'], 'okay'), passedOn(okBody)),
    { name: 'a chunked answer to HTTP/1.0', rfc: 'RFC 9112 §6.1', send: head('GET /x HTTP/1.0'), upstream: { answer: chunked(chunks) }, expect: { ...passedOn({ body: 'ok', lacks: ['transfer-encoding'] }), closes: true } },
  ],
}
