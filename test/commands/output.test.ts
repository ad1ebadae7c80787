import type { WriteStream } from 'node:tty'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { Output, printable, relativeTime } from '../../src/commands/output.ts'

t.test('relative times', async t => {
  t.equal(relativeTime(0), 'now')
  t.equal(relativeTime(-999), 'now')
  t.equal(relativeTime(-90_000), '1 minute ago')
  t.equal(relativeTime(3 * 86_400_000), 'in 3 days')
  t.equal(relativeTime(90 * 86_400_000 - 1), 'in 3 months')
  t.equal(relativeTime(-400 * 86_400_000), 'last year')
})

t.test('what could rewrite a terminal is shown, not sent', async t => {
  t.equal(printable('a\u001b[2Jb\nc\u202ed'), 'a\\u001b[2Jb\\u000ac\\u202ed')
  t.equal(printable('Überprüfung ✓'), 'Überprüfung ✓')
})

t.test('a table in a pipe is aligned, without colours and with ISO times', async t => {
  const { output, text } = pipe()
  output.table(['ID', 'NAME'], [['1', 'one'], ['100', output.time(new Date(0), 'never')]], cell => output.colour('red', cell))
  t.equal(text(), 'ID   NAME\n1    one\n100  1970-01-01T00:00:00.000Z\n')
})

function pipe (): { output: Output, text: () => string } {
  const stream = new PassThrough()
  // What process.stdout is when it is no terminal: a stream without isTTY and hasColors.
  const output = new Output(stream as unknown as WriteStream)
  return { output, text: () => String(stream.read() ?? '') }
}
