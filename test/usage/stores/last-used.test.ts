import type { Pool } from 'pg'
import t from 'tap'
import { createDatabase } from '../../support/postgres.ts'
import { countRows, createKeys, postgresStore, rowOf, startRecorder } from '../support.ts'

async function lastUsedAtMs (pool: Pool, keyId: number): Promise<number | null> {
  const { rows } = await pool.query<{ last_used_at: Date | null }>('select last_used_at from api_keys where id = $1', [keyId])
  return rows[0]?.last_used_at?.getTime() ?? null
}

t.test('last_used_at is the latest use, for every key of a flush', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [one = 0, two = 0, unused = 0] = await createKeys(pool, 3)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const nowMs = Date.now()
  for (const [keyId, createdAtMs] of [[one, nowMs - 5], [one, nowMs], [one, nowMs - 9], [two, nowMs - 7]] as const) {
    recorder.record(rowOf(keyId, { createdAtMs }))
  }
  await recorder.flush()
  t.equal(await lastUsedAtMs(pool, one), nowMs)
  t.equal(await lastUsedAtMs(pool, two), nowMs - 7)
  t.equal(await lastUsedAtMs(pool, unused), null)
})

t.test('it is written at most once a minute, and never backwards', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const nowMs = Date.now()
  const flushAfter = async (lastUsedMs: number, createdAtMs: number): Promise<number | null> => {
    await pool.query('update api_keys set last_used_at = $2 where id = $1', [keyId, new Date(lastUsedMs)])
    recorder.record(rowOf(keyId, { createdAtMs }))
    await recorder.flush()
    return await lastUsedAtMs(pool, keyId)
  }
  t.equal(await flushAfter(nowMs - 20_000, nowMs), nowMs - 20_000, 'written less than a minute ago')
  t.equal(await flushAfter(nowMs - 90_000, nowMs), nowMs, 'written more than a minute ago')
  t.equal(await flushAfter(nowMs - 90_000, nowMs - 200_000), nowMs - 90_000, 'an older use, flushed late')
  t.equal(recorder.stats().written, 3)
})

t.test('it tells nobody', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const listener = await pool.connect()
  const payloads: (string | undefined)[] = []
  listener.on('notification', ({ payload }) => { payloads.push(payload) })
  await listener.query('listen latchkey_keys')
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.ok(await lastUsedAtMs(pool, keyId))
  // Notifications come in the order of commits: once this one is here, an earlier one would be, too.
  await pool.query("select pg_notify('latchkey_keys', 'after')")
  await listener.query('select 1')
  t.same(payloads, ['after'])
  listener.release(true)
})

t.test('where it can not be written, the rows are all the same', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this table'; end $$;
    create trigger refuse before update on api_keys for each row execute function refuse()`)
  const { recorder, lines } = startRecorder(t, { store: postgresStore(t, url) })
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 1, waiting: 0 })
  t.equal(await countRows(pool), 1)
  t.ok(lines.some(({ msg }) => msg.includes('last_used_at')))
})
