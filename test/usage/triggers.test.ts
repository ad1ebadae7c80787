import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { countRows, createKeys, postgresStore, rowOf, startRecorder } from './support.ts'

t.test('rows are flushed on time', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushEveryMs: 20 })
  recorder.record(rowOf(keyId))
  await until(async () => await countRows(pool) === 1, 'the row is there')
  await until(() => recorder.stats().written === 1, 'and counted')
})

t.test('rows are flushed when they are many', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushRows: 10 })
  for (let i = 0; i < 10; i++) recorder.record(rowOf(keyId))
  await until(async () => await countRows(pool) === 10, 'the rows are there')
})

t.test('rows are flushed at the end', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushRows: 10 })
  for (let i = 0; i < 7; i++) recorder.record(rowOf(keyId))
  await recorder.close({ timeoutMs: 30_000 })
  t.match(recorder.stats(), { recorded: 7, written: 7, dropped: 0, waiting: 0 })
  t.equal(await countRows(pool), 7)
})
