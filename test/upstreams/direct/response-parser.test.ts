import t from 'tap'
import type { AnswerHead } from '../../../src/upstreams/direct/answer-head.ts'
import { HeaderNames } from '../../../src/upstreams/direct/header-names.ts'
import { ResponseParser, type ResponseHandler } from '../../../src/upstreams/direct/response-parser.ts'
import { answer, chunked, ok } from '../../conformance/cases/answers.ts'

class Record implements ResponseHandler {
  head: AnswerHead | null = null
  readonly pieces: string[] = []
  isReusable: boolean | null = null
  then: ((at: 'head' | 'body' | 'end') => void) | null = null

  onHead (head: AnswerHead): void {
    this.head = head
    this.then?.('head')
  }

  onBody (bytes: Buffer): void {
    this.pieces.push(bytes.toString('latin1'))
    this.then?.('body')
  }

  onEnd (isReusable: boolean): void {
    this.isReusable = isReusable
    this.then?.('end')
  }
}

function read (text: string, isHead = false): { record: Record, parser: ResponseParser, fault: string | null } {
  const parser = new ResponseParser(new HeaderNames())
  const record = new Record()
  parser.begin(record, isHead)
  return { parser, record, fault: parser.execute(Buffer.from(text, 'latin1')) }
}

t.test('what is passed on of a head', async t => {
  const { record } = read(ok('Server: a', 'SERVER: b', 'X-A:  1\t', 'x-a: 2', 'Connection: x-hop, keep-alive', 'X-Hop: 3', 'Keep-Alive: max=9, timeout=15', '__proto__: 4', 'Trailer: X-B', 'Set-Cookie: \xe9\xa0', 'X-Request-Id: theirs'))
  t.strictSame(record.head, {
    status: 200,
    minorVersion: 1,
    lines: 'Server: a\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: \xe9\xa0\r\n',
    hasDate: false,
    contentLength: 2,
    framing: 'length',
    isPersistent: true,
    keepAliveMs: 15_000,
  })
})

t.test('how an answer ends, and which length it tells', async t => {
  for (const [text, isHead, expected] of [
    [answer('HTTP/1.1 200 OK', ['Content-Length: 0']), false, { framing: 'length', contentLength: 0 }],
    [chunked('0\r\n\r\n'), false, { framing: 'chunked', contentLength: null }],
    [answer('HTTP/1.1 200 OK'), false, { framing: 'close', contentLength: null, isPersistent: false }],
    [answer('HTTP/1.1 200 OK', ['Content-Length: 9']), true, { framing: 'none', contentLength: 9 }],
    [answer('HTTP/1.1 304 Not Modified', ['Content-Length: 9']), false, { framing: 'none', contentLength: 9, isPersistent: false }],
    [answer('HTTP/1.1 204 No Content', ['Content-Length: 0']), false, { framing: 'none', contentLength: null, isPersistent: true }],
    [answer('HTTP/1.1 205 Reset Content', ['Content-Length: 0']), false, { framing: 'none', contentLength: 0, isPersistent: true }],
  ] as const) t.match(read(text, isHead).record.head, expected)
})

t.test('the body of a piece comes at once, whatever its chunks', async t => {
  const { record } = read(chunked('2\r\nab\r\n3;x=y\r\ncde\r\n1\r\nf\r\n0\r\nX-A: 1\r\n\r\n'))
  t.strictSame(record.pieces, ['abcdef'])
  t.equal(record.isReusable, true)
})

t.test('a connection carries one answer after the other', async t => {
  const { parser, record } = read(ok())
  t.equal(record.isReusable, true)
  for (const text of [ok('X-A: 1'), chunked('1\r\na\r\n0\r\n\r\n'), answer('HTTP/1.1 204 No Content'), ok()]) {
    const next = new Record()
    parser.begin(next, false)
    t.equal(parser.execute(Buffer.from(text)), null)
    t.equal(next.isReusable, true)
  }
})

t.test('the next request may begin as soon as the answer has ended', async t => {
  const parser = new ResponseParser(new HeaderNames())
  const [first, second] = [new Record(), new Record()]
  first.then = at => { if (at === 'end') parser.begin(second, true) }
  parser.begin(first, false)
  t.equal(parser.execute(Buffer.from(ok())), null)
  t.equal(parser.execute(Buffer.from(answer('HTTP/1.1 200 OK', ['Connection: keep-alive', 'Content-Length: 7']))), null)
  t.strictSame([second.head?.framing, second.isReusable], ['none', false], 'and behind HEAD no other does: some send its body all the same')
})

t.test('bytes that no request asked for', async t => {
  const { parser, record } = read(ok())
  t.equal(record.isReusable, true)
  t.match(parser.execute(Buffer.from('\r\n')), 'bytes that no request asked for')
  const second = read(ok() + ok('X-Evil: yes'))
  t.match(second.fault, 'bytes that no request asked for')
  t.strictSame([second.record.isReusable, second.record.head?.lines], [false, ''])
})

t.test('an end of the connection completes only what has no other end', async t => {
  const until = read(answer('HTTP/1.1 200 OK', ['Connection: keep-alive'], 'until'))
  t.equal(until.record.isReusable, null)
  t.equal(until.parser.finish(), null)
  t.equal(until.record.isReusable, false)
  for (const text of ['', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 103 Early\r\n\r\n', answer('HTTP/1.1 200 OK', ['Content-Length: 5'], 'four'), chunked('1\r\na\r\n0\r\n')]) {
    const { parser, record, fault } = read(text)
    t.equal(fault, null)
    t.type(parser.finish(), 'string')
    t.equal(record.isReusable, null)
  }
})

t.test('nothing more is told once it was stopped', async t => {
  for (const where of ['head', 'body'] as const) {
    for (const text of [ok(), chunked('1\r\na\r\n1\r\nb\r\n0\r\n\r\n'), answer('HTTP/1.1 200 OK', [], 'until')]) {
      const parser = new ResponseParser(new HeaderNames())
      const told: string[] = []
      const record = new Record()
      record.then = at => {
        told.push(at)
        if (at === where) parser.stop()
      }
      parser.begin(record, false)
      t.equal(parser.execute(Buffer.from(text)), null)
      t.strictSame(told, where === 'head' ? ['head'] : ['head', 'body'])
      t.type(parser.execute(Buffer.from('more')), 'string')
    }
  }
})

t.test('a fault stays one', async t => {
  const { parser, fault } = read('HTTP/1.1 200 OK\r\nX A: 1\r\n\r\n')
  t.type(fault, 'string')
  t.type(parser.execute(Buffer.from(ok())), 'string')
  t.type(parser.finish(), 'string')
})

t.test('heads, their lines and trailers have bounds', async t => {
  const head = (bytes: number) => {
    const bare = ok('X-A: ').length - 2
    return ok(`X-A: ${'x'.repeat(bytes - bare)}`)
  }
  const lines = (count: number) => ok(...Array.from({ length: count - 1 }, () => 'a: b'))
  const trailers = (bytes: number) => chunked(`0\r\nX-A: ${'x'.repeat(bytes - 9)}\r\n\r\n`)
  for (const [text, bound] of [[head, 16_384], [lines, 512], [trailers, 16_384]] as const) {
    t.equal(read(text(bound)).fault, null)
    t.type(read(text(bound + 1)).fault, 'string')
  }
})

t.test('more names than are remembered', async t => {
  const names = new HeaderNames()
  const parser = new ResponseParser(names)
  const long = 'y'.repeat(100)
  const wrong = Array.from({ length: 1_000 }, (_, i) => i).filter(i => {
    const record = new Record()
    parser.begin(record, false)
    const fault = parser.execute(Buffer.from(ok(`X-${i}: ${i}`, `Y-${long}: z`)))
    return fault !== null || record.head?.lines !== `X-${i}: ${i}\r\nY-${long}: z\r\n`
  })
  t.strictSame(wrong, [])
})
