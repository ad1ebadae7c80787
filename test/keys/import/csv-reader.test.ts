import fc from 'fast-check'
import t from 'tap'
import { type CsvRecord, CsvReader } from '../../../src/keys/import/csv-reader.ts'
import { UnreadableSourceError } from '../../../src/keys/import/faults.ts'
import { holds } from '../../properties/property.ts'

const read = (...pieces: string[]): CsvRecord[] => {
  const reader = new CsvReader()
  return [...pieces.flatMap((piece) => reader.read(piece)), ...reader.end()]
}
const cellsOf = (...pieces: string[]) => read(...pieces).map(({ cells }) => cells)

t.test('fields with and without quotes, and NULL', async (t) => {
  t.strictSame(cellsOf('a,b,c\r\n1,"2 ""x"", y",\r\n,"",\n'), [['a', 'b', 'c'], ['1', '2 "x", y', null], [null, '', null]])
})

t.test('line breaks of three kinds, within fields too, and a last line without its end', async (t) => {
  t.strictSame(read('a\nb\r\n"c\r\nd\ne"\rf'), [
    { line: 1, cells: ['a'], fault: null },
    { line: 2, cells: ['b'], fault: null },
    { line: 3, cells: ['c\r\nd\ne'], fault: null },
    { line: 6, cells: ['f'], fault: null },
  ])
})

t.test('empty lines are no records, but count', async (t) => {
  t.strictSame(read('\n\r\na\n\n\nb\n\n').map(({ line, cells }) => [line, ...cells]), [[3, 'a'], [6, 'b']])
})

t.test('what is written wrong is a fault of its record alone', async (t) => {
  const records = read('a"b,c\n"a"b,c\nd,e\n"f')
  t.match(records.map(({ line, fault }) => [line, fault]), [
    [1, /a quote stands within a field/], [2, /between the end of a quoted field and the comma/], [3, null], [4, /does not end/],
  ])
})

t.test('a record that is too long to be one ends the reading', async (t) => {
  const reader = new CsvReader()
  t.throws(() => {
    reader.read('a,b\n1,"')
    for (let i = 0; i < 1100; i++) reader.read('x'.repeat(1024))
  }, new UnreadableSourceError([{ line: 2, field: '', detail: 'the row is longer than 1 MiB: is a quote not closed?' }]))
})

const cell = fc.oneof(fc.constant(null), fc.string({ unit: fc.constantFrom('a', 'ß', '😀', ',', '"', '\r', '\n', ' ', ';'), maxLength: 6 }))
const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 })
const breaks = fc.constantFrom('\n', '\r\n', '\r')

holds(t, 'a table is read as it was written, in pieces of any length', 3_000, fc.property(table, breaks, fc.boolean(), fc.array(fc.nat(200), { maxLength: 8 }), (rows, lineBreak, endsLine, cuts) => {
  const written = rows.map((row) => row.map(fieldOf).join(',')).join(lineBreak) + (endsLine && rows.length > 0 ? lineBreak : '')
  const places = [0, ...cuts.map((cut) => cut % (written.length + 1)).toSorted((one, other) => one - other), written.length]
  const pieces = places.slice(1).map((end, i) => written.slice(places[i], end))
  const records = read(...pieces)
  let line = 1
  const expected = rows.map((row) => {
    const record = { line, cells: row, fault: null }
    line += 1 + row.join(',').split(/\r\n|\r|\n/).length - 1
    return record
  })
  return JSON.stringify(records) === JSON.stringify(expected)
}))

function fieldOf (value: string | null): string {
  if (value === null) return ''
  return /[",\r\n]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value
}
