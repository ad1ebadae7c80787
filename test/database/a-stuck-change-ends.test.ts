import pino from 'pino'
import t from 'tap'
import { inChange } from '../../src/database/change.ts'
import { createPool } from '../../src/database/pool.ts'
import { sqlState } from '../../src/database/sqlstate.ts'
import type { TimedQuery } from '../../src/database/timed-query.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const database = await createDatabase(t)
// Longer than this test: what ends a change is its own.
const pool = createPool({ connectionString: database.url, applicationName: 'changes', connectionsMax: 1, queryTimeoutMs: 600_000, logger: pino({ level: 'silent' }) })
t.teardown(() => pool.endWithin(0))
const holder = await database.pool.connect()
await holder.query('select pg_advisory_lock(1)')
t.teardown(() => holder.release(true))
const waitsForLock = 'select pg_advisory_xact_lock(1)'
const forEver = 600_000

t.test('it waits so long for a lock, and its connection is kept', async t => {
  const { rows: [before] } = await pool.query('select pg_backend_pid() as pid')
  await t.rejects(inChange(pool, null, async client => await client.query(waitsForLock), { lockMs: 50 }), { code: '55P03' })
  await t.rejects(inChange(pool, null, async client => await client.query(waitsForLock)), { code: '55P03' }, 'by default as well')
  t.same((await pool.query('select pg_backend_pid() as pid')).rows, [before])
})

t.test('its statements take so long', async t => {
  await t.rejects(inChange(pool, null, async client => await client.query('select pg_sleep(60)'), { statementMs: 50 }), { code: '57014' })
})

t.test('whoever started it and left holds nothing for long', async t => {
  await t.rejects(inChange(pool, null, async client => {
    const { rows: [own] } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await until(async () => (await database.pool.query('select from pg_stat_activity where pid = $1', [own!.pid])).rowCount === 0, 'Postgres has ended it')
    await client.query('select')
  }, { idleMs: 50 }))
})

t.test('what it set is gone with it', async t => {
  await inChange(pool, null, async client => await client.query('select'), { lockMs: 7, statementMs: 8_000, idleMs: 9_000 })
  const { rows: [settings] } = await pool.query("select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle")
  t.same(settings, { lock: '0', statement: '0', idle: '0' })
})

t.test('where Postgres gave no answer in time, nobody waits for another', async t => {
  let failure: unknown = null
  const query: TimedQuery = { text: waitsForLock, query_timeout: 50 }
  inChange(pool, null, async client => await client.query(query), { lockMs: forEver, statementMs: forEver }).catch((err: unknown) => { failure = err })
  await until(() => failure !== null, 'the change has failed')
  t.equal(sqlState(failure), null)
  t.match(failure, { message: 'Query read timeout' })
  t.equal(await inChange(pool, null, async () => 'next'), 'next')
})

t.test('a fault of its own is rolled back on a connection that is kept', async t => {
  const { rows: [before] } = await pool.query('select pg_backend_pid() as pid')
  await t.rejects(inChange(pool, null, async () => { throw new Error('no') }), { message: 'no' })
  t.same((await pool.query('select pg_backend_pid() as pid')).rows, [before])
})
