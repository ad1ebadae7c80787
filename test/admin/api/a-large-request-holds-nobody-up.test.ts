import bcrypt from 'bcrypt'
import t from 'tap'
import { send } from '../../support/http.ts'
import { until } from '../../support/until.ts'
import { adminToken, type Api, startApi } from './support.ts'

const header = 'userId,name,scopes,keyHash,keyPrefix\n'
const csv = { 'content-type': 'text/csv' }

/** As pg_locks has the lock of an import. */
async function locks ({ gateway: { database } }: Api, { isGranted }: { readonly isGranted: boolean }): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int from pg_locks where locktype = 'advisory' and granted = $1
     and database = (select oid from pg_database where datname = current_database())
     and (classid::bigint << 32 | objid::bigint) = hashtextextended('latchkey: import of keys', 0)`, [isGranted])
  return rows[0]!.count
}

t.test('of millions of rows no more than the bound are read', async t => {
  const api = await startApi(t)
  const lines = 'a\n'.repeat(8_000_000 - header.length)
  const answer = await api.call('POST', '/v1/keys/import?skipFaulty=true', { text: header + lines, headers: csv })
  t.match(answer, { status: 422, code: 'rows_refused' })
  t.equal(answer.body.faults.length, 1_000)
  t.equal(answer.body.moreFaults, 100_001 - 1_000)
  const ndjson = await api.call('POST', '/v1/keys/import', { text: '{}\n'.repeat(5_000_000), headers: { 'content-type': 'application/x-ndjson' } })
  t.match(ndjson, { status: 422, code: 'rows_refused' })
  t.match(await api.call('POST', '/v1/keys/import', { text: 'a\n'.repeat(8_000_000), headers: csv }), { status: 422, body: { moreFaults: 0 } }, 'without a header')
})

t.test('one row too many is refused with the reason', async t => {
  const api = await startApi(t)
  const row = (i: number) => `ada@example.com,x,UPPER,h${i},p\n`
  const many = Array.from({ length: 100_001 }, (_, i) => row(i)).join('')
  t.match(await api.call('POST', '/v1/keys/import', { text: header + many, headers: csv }), { status: 422, body: { warnings: [] } })
  t.match(await api.call('POST', '/v1/keys/import', { body: { rows: Array(100_001).fill(0) } }), { status: 400, body: { errors: [{ field: 'rows', detail: 'must have 100000 entries or fewer' }] } })
  t.match(await api.call('POST', '/v1/keys/import', { body: { rows: Array(100_000).fill(0) } }), { status: 422, body: { moreFaults: 99_000 } })
})

for (const [type, text] of [
  ['text/csv', header + `ada@example.com,x,${'UPPER '.repeat(15)},no hash,p\n`.repeat(99_000)],
  ['application/x-ndjson', '{"name":"x","scopes":["UPPER","UPPER","UPPER"],"keyHash":"no hash"}\n'.repeat(99_000)],
  ['application/json', JSON.stringify({ rows: Array(99_000).fill({ name: 'x', scopes: ['UPPER', 'UPPER'], keyHash: 'no hash' }) })],
] as const) {
  t.test(`while ${type} is imported, others are answered`, async t => {
    const api = await startApi(t)
    const progress = { isOver: false }
    const importing = api.call('POST', '/v1/keys/import', { text, headers: { 'content-type': type } }).finally(() => { progress.isOver = true })
    let answeredMeanwhile = 0
    while (!progress.isOver) {
      const isUnderWay = await locks(api, { isGranted: true }) === 1
      const { status } = await send(`${api.url}/healthz`)
      if (isUnderWay && !progress.isOver && status === 200) answeredMeanwhile++
    }
    t.ok(answeredMeanwhile >= 5, `${answeredMeanwhile} answers`)
    t.match(await importing, { status: 422, code: 'rows_refused' })
  })
}

t.test('one row of very many faults is a row with faults', async t => {
  const api = await startApi(t)
  const scopes = Array(300_000).fill(1)
  const members = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a${i}`, 1]))
  const answer = await api.call('POST', '/v1/keys/import', { body: { rows: [{ scopes }, members] } })
  t.match(answer, { status: 422, code: 'rows_refused' })
  t.ok(answer.body.faults.length <= 250)
  t.match(await api.call('POST', '/v1/keys/import', { text: `${Array.from({ length: 50_000 }, (_, i) => `a${i}`).join()}\n`, headers: csv }),
    { status: 422, body: { faults: [{ line: 1, detail: 'the first line names more than 100 columns' }] } })
})

t.test('half a million faults in one body are a faulty request', async t => {
  const api = await startApi(t)
  for (const scopes of [Array(500_000).fill(1), Array(300_000).fill('')]) {
    t.match(await api.call('POST', '/v1/explain', { body: { method: 'GET', path: '/', scopes } }),
      { status: 400, body: { errors: [{ field: 'scopes', detail: 'must have 200 entries or fewer' }] } })
  }
  const members = Object.fromEntries(Array.from({ length: 80_000 }, (_, i) => [`a${i}`, 1]))
  t.match(await api.call('POST', '/v1/explain', { body: { method: 'GET', path: '/', ...members } }), { status: 400, code: 'bad_request' })
  t.same(api.errorsLogged(), [])
})

t.test('an import whose client has left imports nothing', async t => {
  const api = await startApi(t)
  const holder = await api.gateway.database.pool.connect()
  await holder.query("begin; select pg_advisory_xact_lock(hashtextextended('latchkey: import of keys', 0))")
  const client = new AbortController()
  const row = { userId: 'ada@example.com', name: 'left', scopes: [], keyHash: bcrypt.hashSync('left', 4), keyPrefix: 'left-behind' }
  const importing = fetch(`${api.url}/v1/keys/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ rows: [row] }),
    signal: client.signal,
  })
  const left = t.rejects(importing, { name: 'AbortError' })
  await until(async () => await locks(api, { isGranted: false }) === 1, 'the import waits')
  client.abort()
  await left
  await send(`${api.url}/healthz`)
  await holder.query('rollback')
  holder.release()
  await until(async () => await locks(api, { isGranted: true }) + await locks(api, { isGranted: false }) === 0, 'the import is over')
  t.same((await api.call('GET', '/v1/keys')).body.data, [])
  t.same(api.errorsLogged(), [])
})
