import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { latencyColumns } from '../../../src/usage/rollups/latency-buckets.ts'
import { rollUp } from '../../../src/usage/rollups/roll-up.ts'
import { createDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { createKeys, openTransaction } from '../support.ts'
import { connect, hourMs, insertRows, makePlain, march, rolledUpSums, wrongRollUps } from './support.ts'

const settleTimeoutMs = 20_000

t.test('the columns of the histogram are those of the migration', async (t) => {
  const { pool } = await createDatabase(t)
  for (const table of ['usage_hourly', 'usage_daily']) {
    const { rows } = await pool.query<{ name: string }>("select attname as name from pg_attribute where attrelid = to_regclass($1) and attname like 'ms\\_%' order by attnum", [`latchkey.${table}`])
    t.strictSame(rows.map(({ name }) => name), latencyColumns)
  }
})

t.test('rows are counted by hour and by day of UTC, in steps, whatever they lack', async (t) => {
  const { url, pool } = await createDatabase(t)
  const keys = await createKeys(pool, 3)
  const client = await connect(t, url)
  await client.query("set timezone = 'Asia/Kathmandu'")
  const rows = Array.from({ length: 2_500 }, (_, i) => ({
    keyId: keys[i % 3]!,
    route: [null, '', 'read', 'write'][i % 4]!,
    status: [200, 404, null, 503][i % 4]!,
    responseTimeMs: i % 9 === 0 ? null : (i * i) % 40_000,
    requestBytes: i % 5 === 0 ? null : i,
    responseBytes: i % 7 === 0 ? null : 2 ** 33 + i,
    createdAtMs: march + (i % 100) * hourMs / 2 - 1,
  }))
  await insertRows(client, rows)
  t.equal(await rollUp(pool, { settleTimeoutMs, stepRows: 300 }), 'caught up')
  t.strictSame(await wrongRollUps(pool), [])
  t.strictSame(await rolledUpSums(pool), { hourly: 2_500, daily: 2_500 })

  await insertRows(client, rows.slice(0, 700))
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up', 'with nothing to count')
  t.strictSame(await wrongRollUps(pool), [])
  t.equal(await rollUp(pool, { settleTimeoutMs, notWithinMs: 60_000 }), 'not due')
})

t.test('rows of no time and no key, in a hand-made table, are passed over', async (t) => {
  const { pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await makePlain(pool)
  await pool.query('alter table api_key_usage alter created_at drop not null, alter api_key_id drop not null')
  await pool.query(`insert into api_key_usage (api_key_id, endpoint, method, created_at)
    values ($1, '/', 'GET', null), (null, '/', 'GET', now()), ($1, '/', 'GET', 'infinity'), ($1, '/', 'GET', now())`, [keyId])
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 1, daily: 1 })
})

t.test('what is committed late is counted, what is rolled back is not', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const early = await connect(t, url)
  const failing = await connect(t, url)
  await early.query('begin')
  await insertRows(early, [{ keyId }])
  await failing.query('begin')
  await insertRows(failing, [{ keyId }, { keyId }])
  await insertRows(pool, [{ keyId }])
  const rolledUp = rollUp(pool, { settleTimeoutMs })
  await delay(100)
  t.strictSame(await rolledUpSums(pool), { hourly: 0, daily: 0 }, 'an id that is not settled is not passed')
  await failing.query('rollback')
  await early.query('commit')
  t.equal(await rolledUp, 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 2, daily: 2 })
  t.strictSame(await wrongRollUps(pool), [])
})

t.test('a forgotten transaction holds the roll-up back, harms nobody, and is caught up with', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId }])
  const forgotten = await openTransaction(t, url, "insert into api_key_usage (api_key_id, endpoint, method) values ($1, '/', 'GET')", [keyId])
  await insertRows(pool, [{ keyId }])
  t.equal(await rollUp(pool, { settleTimeoutMs: 50 }), 'unsettled')
  t.equal((await pool.query('select from pg_locks where not granted')).rowCount, 0)
  await forgotten.query('commit')
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 3, daily: 3 })
})

t.test('a transaction that only reads is not waited for', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await openTransaction(t, url, 'select count(*) from api_key_usage where api_key_id <> $1', [keyId])
  await insertRows(pool, [{ keyId }])
  t.equal(await rollUp(pool, { settleTimeoutMs: 0 }), 'caught up')
})

t.test('a key that somebody holds, or is deleting, is not waited for', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [held = 0, free = 0] = await createKeys(pool, 2)
  await insertRows(pool, [{ keyId: held }, { keyId: free }])
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [held])
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'locked')
  t.strictSame(await rolledUpSums(pool), { hourly: 0, daily: 0 }, 'all or nothing')
  await holder.query('delete from api_keys where id = $1', [held])
  await holder.query('commit')
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 1, daily: 1 })
  await pool.query('delete from api_keys where id = $1', [free])
  t.strictSame(await rolledUpSums(pool), { hourly: 0, daily: 0 }, 'what was counted of a key goes with it')
})

t.test('one that is killed in the middle leaves nothing, and the next goes on', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, Array.from({ length: 1_000 }, () => ({ keyId })))
  // Holds the upsert into usage_daily up, which comes last.
  const holder = await openTransaction(t, url, 'lock table latchkey.usage_daily in share mode', [])
  const killed = t.rejects(rollUp(pool, { settleTimeoutMs, stepRows: 100 }), /terminating connection|Connection terminated/)
  const waiting = "select pid from pg_locks where relation = 'latchkey.usage_daily'::regclass and not granted"
  await until(async () => (await pool.query(waiting)).rowCount === 1, 'the roll-up has come as far as its last table')
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'busy', 'meanwhile another one has nothing to do')
  await pool.query(`select pg_terminate_backend(pid) from (${waiting}) as w`)
  await killed
  await holder.query('rollback')
  t.strictSame(await rolledUpSums(pool), { hourly: 0, daily: 0 })
  t.equal(await rollUp(pool, { settleTimeoutMs, stepRows: 100 }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 1_000, daily: 1_000 })
})

t.test('what comes after TRUNCATE … RESTART IDENTITY is counted; after a sequence was only set back, nothing is counted twice', async (t) => {
  const { pool } = await createDatabase(t)
  const [keyId = 0, other = 0] = await createKeys(pool, 2)
  const rows = (count: number, id = keyId) => Array.from({ length: count }, () => ({ keyId: id }))
  await insertRows(pool, rows(20))
  await insertRows(pool, rows(30, other))
  await rollUp(pool, { settleTimeoutMs })
  await pool.query('delete from api_keys where id = $1', [other])
  await rollUp(pool, { settleTimeoutMs })
  t.strictSame(await rolledUpSums(pool), { hourly: 20, daily: 20 }, 'the last rows are gone, and ids go on behind them')

  await pool.query('truncate api_key_usage restart identity')
  await rollUp(pool, { settleTimeoutMs })
  await insertRows(pool, rows(7))
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 27, daily: 27 })
  await insertRows(pool, rows(3))
  await rollUp(pool, { settleTimeoutMs })
  t.strictSame(await rolledUpSums(pool), { hourly: 30, daily: 30 })

  await pool.query("select setval(pg_get_serial_sequence('api_key_usage', 'id'), 2)")
  t.equal(await rollUp(pool, { settleTimeoutMs }), 'caught up')
  t.strictSame(await rolledUpSums(pool), { hourly: 30, daily: 30 })
})

t.test('a role from which rows are hidden counts none', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId }])
  const client = await connect(t, url)
  await client.query('create role half_blind; grant usage on schema latchkey to half_blind; grant all on all tables in schema latchkey, public to half_blind')
  t.teardown(() => pool.query('drop owned by half_blind; drop role half_blind'))
  const { Pool } = (await import('pg')).default
  const blind = new Pool({ connectionString: `${url}?options=-c%20role%3Dhalf_blind` })
  // Its database may be dropped while a connection is still closing.
  blind.on('error', () => {})
  t.teardown(() => blind.end())
  await pool.query('create policy p on latchkey.usage_rollup using (true) with check (true)')
  await t.rejects(rollUp(blind, { settleTimeoutMs }), { name: 'RowsHiddenError' })
  t.strictSame((await pool.query('select rolled_up_to from latchkey.usage_rollup')).rows, [{ rolled_up_to: '0' }])
})
