import type { Pool } from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import type { UsageRecorder } from '../../../src/usage/recorder.ts'
import { createDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { CommitCutter } from '../commit-cutter.ts'
import type { Fate } from '../commit-cutter.ts'
import { addsUp, createKeys, openTransaction, postgresStore, rowOf, startRecorder } from '../support.ts'

const fates: readonly Fate[] = ['never arrives', 'answer lost', 'passes', 'arrives late', 'answer lost', 'never arrives', 'arrives late', 'never arrives']

async function setUp (t: Test, rounds: number) {
  const { url, pool } = await createDatabase(t)
  const cutter = new CommitCutter(url, [...Array.from({ length: rounds }, () => fates).flat(), 'passes'])
  const store = postgresStore(t, await cutter.listen(url))
  t.teardown(() => cutter.close())
  const [kept = 0, deleted = 0] = await createKeys(pool, 2)
  return { url, pool, cutter, kept, deleted, ...startRecorder(t, { store, flushRows: 10 }) }
}

/** Tries again at once after each failure. */
async function settle (recorder: UsageRecorder): Promise<void> {
  await until(async () => {
    await recorder.flush()
    return recorder.stats().waiting === 0
  }, 'all rows are settled', { timeoutMs: 60_000 })
}

async function stored (pool: Pool): Promise<{ all: number, distinct: number }> {
  const { rows } = await pool.query<{ all: number, distinct: number }>(
    'select count(*)::int as all, count(distinct request_id)::int as distinct from api_key_usage')
  return rows[0]!
}

t.test('each row is written once, whenever the connection breaks around COMMIT', async (t) => {
  const { pool, cutter, kept, recorder } = await setUp(t, 5)
  for (let i = 0; i < 400; i++) recorder.record(rowOf(kept))
  await settle(recorder)
  t.match(recorder.stats(), { recorded: 400, written: 400, dropped: 0 })
  t.same(await stored(pool), { all: 400, distinct: 400 })
  t.ok(cutter.commits > 40)
})

t.test('so it is amid rows to isolate and to drop', async (t) => {
  const { pool, cutter, kept, deleted, recorder } = await setUp(t, 3)
  await pool.query("alter table api_key_usage add check (endpoint <> '/poison')")
  await pool.query('delete from api_keys where id = $1', [deleted])
  for (let i = 0; i < 100; i++) recorder.record(rowOf(i % 4 === 1 ? deleted : kept, { endpoint: i % 10 === 4 ? '/poison' : '/good' }))
  await settle(recorder)
  t.match(recorder.stats(), { recorded: 100, written: 65, dropped: 35 })
  t.same(await stored(pool), { all: 65, distinct: 65 })
  t.ok(cutter.commits > 24)
  t.ok(addsUp(recorder.stats()))
})

t.test('what a lost answer had said about locked and deleted keys is remembered', async (t) => {
  const { url, pool, kept, deleted, recorder } = await setUp(t, 1)
  const [locked = 0] = await createKeys(pool, 1)
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [locked])
  await pool.query('delete from api_keys where id = $1', [deleted])
  for (const keyId of [kept, deleted, locked, kept, locked]) recorder.record(rowOf(keyId))
  await until(async () => {
    await recorder.flush()
    return recorder.stats().waiting === 2
  }, 'all but the rows of the locked key are settled')
  t.match(recorder.stats(), { recorded: 5, written: 2, dropped: 1, waiting: 2 })
  t.same(await stored(pool), { all: 2, distinct: 2 })
  await holder.query('rollback')
  await settle(recorder)
  t.match(recorder.stats(), { recorded: 5, written: 4, dropped: 1 })
  t.same(await stored(pool), { all: 4, distinct: 4 })
})
