import t from 'tap'
import { answer, chunked, ok } from '../../conformance/cases/answers.ts'
import { readAnswer } from './read-answer.ts'
import { Reference } from './reference.ts'

const interim = 'HTTP/1.1 103 Early\r\n'
const filler = (bytes: number) => 'x'.repeat(bytes)
const manyLines = Array.from({ length: 400 }, (_, i) => `X-${100 + i}: ${filler(34)}`)

/** What undici takes, behind the guard of the reference engine, and the parser refuses all the same. */
const cases = [
  { name: 'a status line that ends in CR CR', rfc: 'RFC 9112 §2.2', fault: /a bare CR or LF/, text: 'HTTP/1.1 204 No Content\r\r\r\n' },
  { name: 'a head of more than 16 KiB, names, blanks and line ends included', rfc: 'contract', fault: /an endless head/, text: ok(...manyLines) },
  { name: 'a reason of more than 16 KiB', rfc: 'contract', fault: /an endless head/, text: answer(`HTTP/1.1 200 ${filler(17_000)}`, ['Content-Length: 2'], 'ok') },
  { name: 'interim answers of more than 128 KiB together', rfc: 'contract', fault: /endless interim answers/, text: `${interim}X-A: ${filler(8_000)}\r\n\r\n`.repeat(17) + ok() },
  { name: 'an interim answer with an invalid line', rfc: 'RFC 9112 §5', fault: /an invalid header line \(of an interim answer\)/, text: `${interim}X A: 1\r\n\r\n${ok()}` },
  { name: 'an interim answer with a folded line', rfc: 'RFC 9112 §5.2', fault: /an invalid header line \(of an interim answer\)/, text: `${interim}X-A: 1\r\n 2\r\n\r\n${ok()}` },
  { name: 'an interim answer with two lengths', rfc: 'RFC 9112 §6.3', fault: /more than one Content-Length \(of an interim answer\)/, text: `${interim}Content-Length: 0\r\nContent-Length: 2\r\n\r\n${ok()}` },
  { name: 'an interim status of letters', rfc: 'RFC 9112 §4', fault: /an invalid status line \(of an interim answer\)/, text: `HTTP/1.1 1xx Odd\r\n\r\n${ok()}` },
  { name: 'a chunk extension without a value behind its sign', rfc: 'RFC 9112 §7.1.1', fault: /an invalid chunk extension/, text: chunked('2;a=\r\nok\r\n0\r\n\r\n') },
  { name: 'chunk extensions of more than 32 KiB', rfc: 'RFC 9112 §7.1.1', fault: /endless chunk extensions/, text: chunked(`2;a=${filler(33_000)}\r\nok\r\n0\r\n\r\n`) },
  { name: 'a chunk size of more than 32 KiB', rfc: 'RFC 9112 §7.1', fault: /an endless chunk size/, text: chunked(`${'0'.repeat(33_000)}2\r\nok\r\n0\r\n\r\n`) },
  { name: 'a Transfer-Encoding among the trailers', rfc: 'RFC 9110 §6.5.1', fault: /an invalid trailer/, text: chunked('2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n') },
]

t.test('what undici takes and the parser refuses', async t => {
  const reference = await Reference.start()
  t.teardown(() => reference.close())
  for (const { name, rfc, text, fault } of cases) {
    const asked = { text, isHead: false, isEnded: false }
    const ours = readAnswer(asked)
    t.match(ours, { kind: ours.kind === 'broken' ? 'broken' : 'refused', fault }, `${name} (${rfc})`)
    t.match(await reference.ask(asked), { kind: 'passed' }, 'undici takes it')
  }
})

t.test('a chunk that no number holds is refused at once (RFC 9112 §7.1)', async t => {
  for (const size of ['20000000000000', 'ffffffffffffffff', '10000000000000000']) {
    t.match(readAnswer({ text: chunked(`${size}\r\nok`), isHead: false, isEnded: false }), { kind: 'broken', fault: 'an invalid chunk size' })
  }
})

t.test('connections that undici would go on with are left (RFC 9112 §9.6)', async t => {
  for (const [name, text] of [
    ['a trailer that says close', chunked('2\r\nok\r\n0\r\nConnection: close\r\n\r\n')],
    ['a line break behind the answer', `${ok()}\r\n`],
    ['a line break behind the last chunk', chunked('2\r\nok\r\n0\r\n\r\n\r\n')],
    ['a 205 with a body', answer('HTTP/1.1 205 Reset Content', ['Content-Length: 2'], 'ok')],
    ['a 304 with a coding', answer('HTTP/1.1 304 Not Modified', ['Transfer-Encoding: chunked'])],
  ] as const) t.match(readAnswer({ text, isHead: false, isEnded: false }), { kind: 'passed', isReusable: false }, name)
})
