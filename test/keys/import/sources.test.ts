import t from 'tap'
import { csvRows } from '../../../src/keys/import/csv-rows.ts'
import { decodedText } from '../../../src/keys/import/decoded-text.ts'
import { type ImportFault, UnreadableSourceError } from '../../../src/keys/import/faults.ts'
import { ndjsonRows } from '../../../src/keys/import/ndjson-rows.ts'
import { parseScopes } from '../../../src/keys/import/scopes-text.ts'
import type { RowSource, SourceRow } from '../../../src/keys/import/source-row.ts'

const header = 'userId,name,scopes,keyHash,keyPrefix'
const all = async (source: RowSource): Promise<SourceRow[]> => {
  const rows: SourceRow[] = []
  for await (const some of source) rows.push(...some)
  return rows
}
const faultsOf = async (source: RowSource): Promise<readonly ImportFault[]> => await all(source).then(() => [], (err: unknown) => {
  if (err instanceof UnreadableSourceError) return err.faults
  throw err
})
const details = async (csv: string) => (await faultsOf(csvRows([csv]))).map(({ line, detail }) => `${line}: ${detail}`)

t.test('CSV has the types that its columns take', async (t) => {
  const [row] = await all(csvRows(['\ufeffuserId,name,scopes,keyHash,keyPrefix,isActive,metadata,description\r\n a@b , N ,a:b  c:*,h,p,FALSE,"{""a"":1}",\r\n']))
  t.strictSame(row, {
    line: 2,
    values: { userId: 'a@b', name: 'N', scopes: ['a:b', 'c:*'], keyHash: 'h', keyPrefix: 'p', isActive: false, metadata: { a: 1 }, description: null },
    ignored: [],
    faults: [],
  })
})

t.test('the table’s own names are names, and its columns that mean nothing here are ignored', async (t) => {
  const [row] = await all(csvRows(['id,user_id,key_hash,key_prefix,name,scopes,is_active,key_lookup\n7,u,h,p,n,"{a:b,""c d""}",t,\\x00\n']))
  t.match(row, { values: { userId: 'u', keyHash: 'h', keyPrefix: 'p', scopes: ['a:b', 'c d'], isActive: true }, ignored: ['7', '\\x00'], faults: [] })
})

t.test('NULL in is_active is a disabled key, as it is in the table; an empty isActive is left out', async (t) => {
  const head = 'userId,name,scopes,keyHash,keyPrefix'
  t.equal((await all(csvRows([`${head},is_active\na,b,c,d,e,\n`])))[0]?.values.isActive, false)
  t.equal((await all(csvRows([`${head},isActive\na,b,c,d,e,\n`])))[0]?.values.isActive, null)
  t.equal((await all(ndjsonRows(['{"is_active":null}'])))[0]?.values.isActive, false)
})

t.test('scopes in the forms of both', async (t) => {
  for (const [text, scopes] of [
    ['a b', ['a', 'b']], ['{}', []], ['{a}', ['a']], ['{a,"b\\"\\\\c",NULL}', ['a', 'b"\\c']], ['{a,}', ['{a,}']], ['{a', ['{a']], ['{{a}}', ['{{a}}']], ['{"a"b}', ['{"a"b}']],
  ] as const) t.strictSame(parseScopes(text), scopes, text)
})

t.test('a header with faults ends the reading, and all of them are told', async (t) => {
  t.match(await details(''), [/^1: it is empty/])
  t.match(await details('userId;name;scopes\n'), [/^1: the first line must name the columns.*separated by commas/])
  t.match(await details(`${header},colour,is_activ\n`), [/there is no colour: a row has userId/, /there is no is_activ \(did you mean is_active\?\)/])
  t.strictSame(await details(`${header},user_id\n`), ['1: two columns are userId'])
  t.strictSame(await details('name,userId\n'), ['scopes', 'keyHash', 'keyPrefix'].map((field) => `1: there is no column ${field}`))
})

t.test('where the header is missing, nothing of the first row is repeated', async (t) => {
  const hash = '$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde'
  for (const csv of [`a@b,Name,a:b,${hash},sk_live_abcd`, `userId,sk_live_0123456789ABCDEFGHIJ,scopes,${hash},keyPrefix`, 'userId,kJhGfDsAqWeRtYuI,keyHash']) {
    const said = (await details(csv)).join('\n')
    t.not(said, '')
    for (const secret of [hash, 'sk_live', 'kJhG']) t.notOk(said.includes(secret), csv)
  }
})

t.test('a record of another length is a fault', async (t) => {
  const rows = await all(csvRows([`${header}\na,b,c\na,b,c,d,e,f\n`]))
  t.match(rows.map(({ faults }) => faults), [[{ line: 2, detail: 'has 3 fields, and the first line 5' }], [{ line: 3, detail: 'has 6 fields, and the first line 5' }]])
})

t.test('NDJSON in pieces, with a byte order mark, empty lines and none at the end', async (t) => {
  const rows = await all(ndjsonRows(['\ufeff{"user', 'Id":"a"}\r\n\n{"id":1,"name":', '"b"}']))
  t.match(rows, [{ line: 1, values: { userId: 'a' } }, { line: 3, values: { name: 'b' }, ignored: [1] }])
})

t.test('a line that is no object is a fault, and isn’t repeated', async (t) => {
  const rows = await all(ndjsonRows(['sk_live_secret\n[1]\nnull\n"x"\n{"colour":1,"name":"a","__proto__":1}\n{"userId":"a","user_id":"b"}\n']))
  t.match(rows.map(({ faults }) => faults.map(({ line, field, detail }) => `${line} ${field} ${detail}`).join('|')), [
    '1  is not valid JSON', '2  is not an object', '3  is not an object', '4  is not an object',
    /5 {2}there is no colour.*\|5 {2}member 3 has a name/, '6 userId is given twice',
  ])
})

t.test('a line without end ends the reading', async (t) => {
  t.match(await faultsOf(ndjsonRows(Array.from({ length: 1100 }, () => 'x'.repeat(1024)))), [{ line: 1, detail: /longer than 1 MiB/ }])
})

t.test('UTF-8 in pieces that end within a character; anything else is told by its line', async (t) => {
  const bytes = Buffer.from('\ufeffä😀\n')
  const texts: string[] = []
  for await (const text of decodedText(Array.from(bytes, (byte) => Uint8Array.of(byte)))) texts.push(text)
  t.equal(texts.join(''), 'ä😀\n')
  t.match(await faultsOf(csvRows(decodedText([Buffer.from(`${header}\n`), Buffer.from('a,ä\n', 'latin1')]))), [{ line: 2, detail: /not UTF-8/ }])
})
