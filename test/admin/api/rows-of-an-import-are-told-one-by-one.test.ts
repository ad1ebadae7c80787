import bcrypt from 'bcrypt'
import t from 'tap'
import { startApi } from './support.ts'

const good = (name: string) => ({ userId: 'ada@example.com', name, scopes: ['inventory:read'], keyHash: bcrypt.hashSync(name, 4), keyPrefix: name.slice(0, 12) })
const faulty = [{ ...good('of-two-faults'), scopes: 'inventory:read', keyHash: 'x' }, 'no object', { name: 'lacks everything' }]

t.test('one fault keeps all rows out, and all faults are told by their line', async t => {
  const api = await startApi(t)
  const answer = await api.call('POST', '/v1/keys/import', { body: { rows: [good('first-of-them'), ...faulty] } })
  t.match(answer, { status: 422, code: 'rows_refused' })
  const { faults } = answer.body as unknown as { faults: { line: number, field: string }[] }
  t.same([...new Set(faults.map(({ line }) => line))], [1, 2, 3])
  t.ok(faults.some(({ line, field }) => line === 1 && field === 'scopes'))
  t.ok(faults.some(({ line, field }) => line === 1 && field === 'keyHash'))
  t.same((await api.call('GET', '/v1/keys')).body.data, [])
})

t.test('with skipFaulty the good ones are imported, by whatever type they come', async t => {
  const api = await startApi(t)
  const asked = { rows: [good('json-is-here'), ...faulty], skipFaulty: true }
  t.match((await api.call('POST', '/v1/keys/import', { body: { ...asked, dryRun: true } })).body, { imported: 1, skipped: 3, dryRun: true })
  t.same((await api.call('GET', '/v1/keys')).body.data, [], 'a dry run imports nothing')
  t.match(await api.call('POST', '/v1/keys/import', { body: asked }), { status: 200, body: { imported: 1, skipped: 3, dryRun: false } })
  const row = good('ndjson-is-here')
  const { keyHash, ...csv } = good('csv-is-here-too')
  const texts = {
    'application/x-ndjson': `${JSON.stringify(row)}\n{}\n`,
    'text/csv': `userId,name,scopes,keyPrefix,keyHash\n${csv.userId},${csv.name},${csv.scopes.join(' ')},${csv.keyPrefix},${keyHash}\n,,,,\n`,
  }
  for (const [type, text] of Object.entries(texts)) {
    const answer = await api.call('POST', '/v1/keys/import?skipFaulty=true', { text, headers: { 'content-type': type } })
    t.match(answer, { status: 200, body: { imported: 1, skipped: 1 } }, type)
  }
  const { data } = (await api.call('GET', '/v1/keys')).body as unknown as { data: { name: string, status: string }[] }
  t.same(data.map(({ name }) => name).sort(), ['csv-is-here-too', 'json-is-here', 'ndjson-is-here'])
})

t.test('an import leaves its entries in the log, in the name of the token', async t => {
  const api = await startApi(t)
  await api.call('POST', '/v1/keys/import', { body: { rows: [good('in-the-log-now')] } })
  const { data } = (await api.call('GET', '/v1/audit')).body as unknown as { data: object[] }
  t.match(data, [{ action: 'key.created', keyName: 'in-the-log-now', actor: { kind: 'token', name: 'LATCHKEY_ADMIN_TOKEN' } }])
  t.notMatch(JSON.stringify(data), /\$2b\$/)
})
