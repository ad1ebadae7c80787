import t from 'tap'
import { ndjson } from '../../../src/usage/export/ndjson.ts'
import { aRow } from './support.ts'

t.test('a row is an object a line, its id first', async t => {
  const line = ndjson.lineOf(aRow)
  t.match(line, /^\{"id":7,"createdAt":"2030-01-31T12:00:00\.123Z",.*\}\n$/)
  t.strictSame(JSON.parse(line), { ...aRow, createdAt: '2030-01-31T12:00:00.123Z' })
})

t.test('whatever a text holds, its line is one line to every reader, and comes back as it was', async t => {
  const userAgent = 'a\r\n\t\u0000"\\\u007f\u0085\u009b\u2028\u2029\u202e\u2066 Zoë 🚪'
  const line = ndjson.lineOf({ ...aRow, userAgent })
  t.notMatch(line.slice(0, -1), /[\p{Cc}\u2028\u2029\u202e\u2066]/u)
  t.equal(JSON.parse(line).userAgent, userAgent)
})

t.test('the id of a line', async t => {
  t.equal(ndjson.idOf(ndjson.lineOf(aRow).slice(0, -1)), 7)
  for (const line of ['', '{', '{}', '{"id":"7"}', '{"id":1.5}', 'null', '7']) t.equal(ndjson.idOf(line), null, line)
})
