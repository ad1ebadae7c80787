import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { countRows, createKeys, postgresStore, rowOf, startRecorder } from './support.ts'

t.test('rows wait while the database is away, and are written by themselves when it is back', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const proxy = await proxyTo(url)
  const store = postgresStore(t, proxy.through(url))
  t.teardown(() => proxy.close())
  const { recorder, lines } = startRecorder(t, { store, flushRows: 10 })
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.equal(recorder.stats().written, 1)
  await proxy.cut()
  for (let i = 0; i < 55; i++) recorder.record(rowOf(keyId))
  await until(() => lines.some(({ level }) => level === 40), 'the outage is logged')
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 56, written: 1, dropped: 0, waiting: 55 })
  await proxy.resume()
  await until(() => recorder.stats().waiting === 0, 'all is written', { timeoutMs: 30_000 })
  t.match(recorder.stats(), { recorded: 56, written: 56, dropped: 0 })
  t.equal(await countRows(pool), 56)
  t.equal(lines.filter(({ level }) => level >= 40).length, 1, 'many tries, one warning')
})

t.test('at the end, an outage takes no longer than the time given', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const proxy = await proxyTo(url)
  const store = postgresStore(t, proxy.through(url))
  t.teardown(() => proxy.close())
  const { recorder, lines } = startRecorder(t, { store })
  for (let i = 0; i < 5; i++) recorder.record(rowOf(keyId))
  proxy.stall()
  await recorder.close({ timeoutMs: 50 })
  t.match(recorder.stats(), { recorded: 5, written: 0, dropped: 5, waiting: 0 })
  t.match(lines.filter(({ level }) => level === 50), [{ rows: 5 }])
  await proxy.resume()
})
