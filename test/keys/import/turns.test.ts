import t from 'tap'
import type { SourceRow } from '../../../src/keys/import/source-row.ts'
import { objectRows, textPieces } from '../../../src/keys/import/turns.ts'

t.test('pieces of a text make the text, and between them others have their turn', async t => {
  const text = 'äb\u{1f511}\n'.repeat(100_000)
  let turns = 0
  const count = () => { turns++; next = setImmediate(count) }
  let next = setImmediate(count)
  let [pieces, read] = [0, '']
  for await (const piece of textPieces(text)) {
    pieces++
    read += piece
  }
  clearImmediate(next)
  t.ok(read === text)
  t.ok(pieces > 1)
  t.ok(turns >= pieces - 1)
})

t.test('objects become rows in their order, a part at a time', async t => {
  const parts: (readonly SourceRow[])[] = []
  for await (const rows of objectRows(Array.from({ length: 1_001 }, (_, i) => ({ name: `${i}` })))) parts.push(rows)
  t.ok(parts.length > 1)
  t.same(parts.flat().map(({ line, values }) => [line, values.name]), Array.from({ length: 1_001 }, (_, i) => [i, `${i}`]))
})
