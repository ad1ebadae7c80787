import t from 'tap'
import { migrateDown } from '../../src/database/migrate.ts'
import { createDatabase } from '../support/postgres.ts'
import { catalogOf } from './catalog.ts'
import { createKeys, postgresStore, rowOf, startRecorder } from '../usage/support.ts'
import { until } from '../support/until.ts'
import { addKeys, addUser } from './rows.ts'

t.test('tables that hold keys are dropped only by who says so', async (t) => {
  const { url, pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool))
  const before = await catalogOf(pool)

  for (const to of [10, 0]) {
    await t.rejects(migrateDown({ connectionString: url, to }), { name: 'UsageError', message: /api_keys holds rows.*--drop-keys-and-usage/ })
    t.strictSame(await catalogOf(pool), before, 'nothing was undone')
  }

  await migrateDown({ connectionString: url, to: 11 })
  t.equal((await pool.query('select from api_keys')).rowCount, 1)
  await migrateDown({ connectionString: url, to: 0, dropKeysAndUsage: true })
  t.equal((await pool.query("select from pg_tables where tablename = 'api_keys'")).rowCount, 0)
})

t.test('so are counts of usage whose rows are gone', async t => {
  const { url, pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool))
  await pool.query(`
    insert into latchkey.usage_daily (day, api_key_id, route, status_code, requests, request_bytes, response_bytes, response_ms)
    select '2026-01-05Z', id, 'read', 200, 7, 0, 0, 0 from api_keys`)
  for (const to of [18, 17]) {
    await t.rejects(migrateDown({ connectionString: url, to }), { name: 'UsageError', message: /counts of usage since 2026-01-05, whose rows are gone.*--drop-keys-and-usage/ })
  }
  await pool.query("insert into api_key_usage (api_key_id, endpoint, method, created_at) select id, '/', 'GET', '2026-01-05T12:00Z' from api_keys")
  await migrateDown({ connectionString: url, to: 17 })
  t.equal((await pool.query('select from api_key_usage')).rowCount, 1, 'what can be counted again needs no word')
})

t.test('gateways that write and keys that are deleted go on beside it', async t => {
  const { url, pool } = await createDatabase(t)
  const keys = await createKeys(pool, 3)
  await pool.query("insert into api_key_usage (api_key_id, endpoint, method) select $1, '/', 'GET' from generate_series(1, 50000)", [keys[0]])
  const over = new AbortController()
  const writers = [1, 2].map(async () => {
    const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushRows: 50 })
    let recorded = 0
    while (!over.signal.aborted) {
      for (let i = 0; i < 50; i++, recorded++) recorder.record(rowOf(keys[0]!))
      await recorder.flush()
    }
    await until(async () => {
      await recorder.flush()
      return recorder.stats().waiting === 0
    }, 'all is written')
    t.equal(recorder.stats().written, recorded)
    return recorded
  })
  const deletion = pool.query('delete from api_keys where id = $1', [keys[1]])
  await migrateDown({ connectionString: url, to: 17 })
  await deletion
  over.abort()
  const recorded = (await Promise.all(writers)).reduce((sum, rows) => sum + rows)
  t.equal((await pool.query('select count(*)::int from api_key_usage')).rows[0].count, 50_000 + recorded)
})
