import type { CaseGroup } from '../case.ts'
import { answer, answered, answeredAndEnded, ok, passedOn, replaced, replacedOr } from './answers.ts'

const sized = (statusLine: string) => answer(statusLine, ['Content-Length: 2'], 'ok')
const okBody = { body: 'ok' }
const lines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: 1`)

export const headsOfAnswers: CaseGroup = {
  title: 'heads of answers',
  cases: [
    answered('no reason phrase', 'RFC 9112 §4', sized('HTTP/1.1 200 '), passedOn(okBody)),
    answered('no blank behind the status', 'RFC 9112 §4', sized('HTTP/1.1 200'), { ...passedOn(okBody), rfc: 'either' }),
    answered('a reason phrase of its own', 'RFC 9112 §4', sized('HTTP/1.1 200 Fabulous'), passedOn(okBody)),
    answered('8-bit characters in the reason phrase', 'RFC 9112 §4', sized('HTTP/1.1 200 \xe9\xff'), passedOn(okBody)),
    answered('a control character in the reason phrase', 'RFC 9112 §4', sized('HTTP/1.1 200 O\x01K'), { ...passedOn(okBody), rfc: 'either' }),
    answered('HTTP/1.0', 'RFC 9110 §2.5', sized('HTTP/1.0 200 OK'), passedOn(okBody)),
    answeredAndEnded('HTTP/1.0 without a length', 'RFC 9112 §6.3', answer('HTTP/1.0 200 OK', [], 'until the end'), passedOn({ body: 'until the end' })),
    answered('HTTP/1.2', 'RFC 9110 §2.5', sized('HTTP/1.2 200 OK'), { ...replaced, rfc: 'either' }),
    ...['HTTP/2.0 200 OK', 'HTTP/2 200 OK', 'HTTP/0.9 200 OK', 'RTSP/1.0 200 OK', 'ICY 200 OK', 'http/1.1 200 OK', ' HTTP/1.1 200 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1  200 OK', 'HTTP/11 200 OK'].map(line => (
      answered(`status line: ${JSON.stringify(line)}`, 'RFC 9112 §4', sized(line), { ...replaced, rfc: 'either' }))),
    answered('an empty line first', 'RFC 9112 §2.2', `\r\n${ok()}`, { ...replaced, rfc: 'either' }),
    answeredAndEnded('HTTP/0.9', 'RFC 9112 §4', '<html>ok</html>\r\n', { ...replaced, rfc: 'either' }),
    answeredAndEnded('garbage', 'RFC 9112 §4', '\x00\x01\x02garbage\r\n\r\n', replaced),
    answeredAndEnded('one byte', 'RFC 9112 §8', 'H', replaced),
    answeredAndEnded('nothing', 'RFC 9112 §8', '', replaced),
    answeredAndEnded('half a head', 'RFC 9112 §8', 'HTTP/1.1 200 OK\r\nContent-Le', replaced),
    ...['000', '099', '99', '600', '999', '1000', '20', '2x0', '-200'].map(status => (
      answered(`status ${status}`, 'RFC 9110 §15', sized(`HTTP/1.1 ${status} Odd`), { ...replaced, rfc: 'either' }))),
    ...[299, 418, 499, 599].map(status => answered(`status ${status}`, 'RFC 9110 §15', sized(`HTTP/1.1 ${status} Odd`), passedOn({ status, body: 'ok' }))),

    answered('bare LF throughout', 'RFC 9112 §2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', replacedOr(okBody)),
    answered('a bare LF behind a header', 'RFC 9112 §2.2', 'HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\nContent-Length: 2\r\n\r\nok', replacedOr(okBody)),
    answered('a bare CR in a value', 'RFC 9112 §2.2', ok('X-A: 1\rX-B: 2'), { ...replaced, rfc: 'either' }),
    answered('a folded line', 'RFC 9112 §5.2', ok('X-A: 1', ' 2'), replacedOr({ body: 'ok', has: { 'x-a': '1 2' } })),
    answered('a folded line first', 'RFC 9112 §2.2', ok(' X-A: 1'), { ...replaced, rfc: 'either' }),
    ...[['NUL', '\x00'], ['SOH', '\x01'], ['ESC', '\x1b'], ['DEL', '\x7f']].map(([name, character]) => (
      answered(`${name} in a value`, 'RFC 9110 §5.5', ok(`X-A: 1${character}2`), { ...replaced, rfc: 'either' }))),
    answered('8-bit characters in a value', 'RFC 9110 §5.5', ok('X-A: caf\xe9 \xe2\x82\xac'), passedOn({ has: { 'x-a': 'caf\xe9 \xe2\x82\xac' } })),
    answered('an escaped line break in a value', 'RFC 9110 §5.5', ok('X-A: a%0d%0aX-B: b'), passedOn({ has: { 'x-a': 'a%0d%0aX-B: b' }, lacks: ['x-b'] })),
    answered('blanks around a value', 'RFC 9112 §5.1', ok('X-A:  \t a b \t '), passedOn({ has: { 'x-a': 'a b' } })),
    answered('an empty value', 'RFC 9110 §5.5', ok('X-A:'), passedOn({ has: { 'x-a': '' } })),
    answered('whitespace before the colon', 'RFC 9112 §5.1', ok('X-A : 1'), replacedOr({ has: { 'x-a': '1' } })),
    ...['X A: 1', ': 1', 'X(A): 1', 'X\xe9: 1', 'XA', 'X\x00A: 1', 'X"A": 1'].map(line => (
      answered(`header line ${JSON.stringify(line)}`, 'RFC 9110 §5.1', ok(line), { ...replaced, rfc: 'either' }))),
    answered('names that objects have already', 'contract', ok('__proto__: 1', 'constructor: 2', 'hasOwnProperty: 3'), passedOn({ body: 'ok', has: { constructor: '2', hasownproperty: '3' } })),
    answered('300 header lines', 'contract', ok(...lines(300)), { ...passedOn({ body: 'ok', has: { 'x-0': '1', 'x-299': '1' } }), rfc: 'either' }),
    answered('700 header lines', 'contract', ok(...lines(700)), { ...replaced, rfc: 'either' }),
    answered('8,000 short header lines of one name', 'contract', ok(...Array.from({ length: 8_000 }, () => 'a:')), { ...replaced, rfc: 'either' }),
    answered('a header of 8,000 bytes', 'contract', ok(`X-A: ${'x'.repeat(8_000)}`), { ...passedOn(okBody), rfc: 'either' }),
    answered('a header of 20,000 bytes', 'contract', ok(`X-A: ${'x'.repeat(20_000)}`), { ...replaced, rfc: 'either' }),
    answered('a head that does not end', 'contract', answer('HTTP/1.1 200 OK', Array.from({ length: 3_000 }, (_, i) => `X-${i}: ${'x'.repeat(100)}`)), { ...replaced, rfc: 'either' }),
  ],
}
