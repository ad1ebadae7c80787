import t from 'tap'
import { createDatabase } from '../../support/postgres.ts'
import { countRows, createKeys, openTransaction, postgresStore, rowOf, startRecorder } from '../support.ts'

t.test('a key that somebody holds locked delays its own rows only', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [locked = 0, free = 0] = await createKeys(pool, 2)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushRows: 5 })
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [locked])
  for (let i = 0; i < 20; i++) recorder.record(rowOf(i % 2 === 0 ? locked : free))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 20, written: 10, dropped: 0, waiting: 10 })
  await recorder.flush()
  t.match(recorder.stats(), { written: 10, waiting: 10 })
  await holder.query('rollback')
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 20, written: 20, dropped: 0, waiting: 0 })
  t.equal(await countRows(pool), 20)
})

t.test('a key being updated delays nothing', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const holder = await openTransaction(t, url, "update api_keys set name = 'renamed' where id = $1", [keyId])
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 1, waiting: 0 })
  await holder.query('commit')
})

t.test('a delete under way decides about the rows', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const holder = await openTransaction(t, url, 'delete from api_keys where id = $1', [keyId])
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 0, dropped: 0, waiting: 1 })
  await holder.query('commit')
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 0, dropped: 1, waiting: 0 })
})

t.test('gateways that flush the same keys at once do not block each other', async (t) => {
  const { url, pool } = await createDatabase(t)
  const keys = await createKeys(pool, 20)
  const gateways = Array.from({ length: 4 }, () => startRecorder(t, { store: postgresStore(t, url) }).recorder)
  for (let round = 0; round < 5; round++) {
    await pool.query('update api_keys set last_used_at = null')
    await Promise.all(gateways.map(async (recorder, i) => {
      for (const keyId of i % 2 === 0 ? keys : [...keys].reverse()) recorder.record(rowOf(keyId))
      await recorder.flush()
    }))
    const { rows } = await pool.query('select from api_keys where last_used_at is null')
    t.equal(rows.length, 0)
  }
  for (const recorder of gateways) t.match(recorder.stats(), { recorded: 100, written: 100, dropped: 0, waiting: 0 })
  t.equal(await countRows(pool), 400)
})
