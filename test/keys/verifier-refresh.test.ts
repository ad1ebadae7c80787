import t, { type Test } from 'tap'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { insertKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)
const { database } = shared

async function openBehindProxy (t: Test) {
  const proxy = await proxyTo(database.url)
  const keys = await openKeys(t, shared, { url: proxy.through(database.url) })
  t.teardown(() => proxy.close())
  return { ...keys, proxy }
}

t.test('a key that was changed while nobody listened, and not used since, has its new state in the next outage', async (t) => {
  const keys = await openBehindProxy(t)
  const insert = async () => await insertKey(keys.database)
  const [kept, revoked, narrowed, replaced, deleted] = await Promise.all([insert(), insert(), insert(), insert(), insert()])
  for (const { key } of [kept, revoked, narrowed, replaced, deleted]) t.equal((await keys.verifier.verify(key)).status, 'valid')

  // Of which no notification arrives.
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [revoked.id])
  await keys.sql("update public.api_keys set scopes = '{}' where id = $1", [narrowed.id])
  await keys.sql("update public.api_keys set key_hash = 'another' where id = $1", [replaced.id])
  await keys.sql('delete from public.api_keys where id = $1', [deleted.id])
  const queriesBefore = keys.queries()
  keys.verifier.markAllStale()
  await until(() => keys.verifier.stats().entries === 3, 'what is cached was read again')
  t.equal(keys.queries() - queriesBefore, 1, 'all in one query')

  await keys.proxy.cut()
  await keys.verifier.probe()
  const statusOf = async ({ key }: { key: string }) => (await keys.verifier.verify(key)).status
  t.equal(await statusOf(kept), 'valid')
  t.equal(await statusOf(revoked), 'revoked')
  t.same((await keys.verifier.verify(narrowed.key)).key?.scopes, [])
  t.equal(await statusOf(replaced), 'unavailable')
  t.equal(await statusOf(deleted), 'unavailable')
})

t.test('an outage ends the reading, and the store\'s return resumes it', async (t) => {
  const keys = await openBehindProxy(t)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('delete from public.api_keys where id = $1', [id])
  await keys.proxy.cut()
  await keys.verifier.probe()
  keys.verifier.markAllStale()
  t.equal((await keys.verifier.verify(key)).status, 'valid', 'nobody can know')
  await keys.proxy.resume()
  await until(() => keys.verifier.stats().entries === 0, 'it was read again')
})

t.test('an entry that answers nobody any more is left alone', async (t) => {
  const keys = await openBehindProxy(t)
  await keys.verifier.verify((await insertKey(keys.database)).key)
  keys.clock.offsetMs = 660_000
  const recent = await insertKey(keys.database)
  await keys.verifier.verify(recent.key)
  await keys.sql('delete from public.api_keys where true')
  keys.verifier.markAllStale()
  await until(() => keys.verifier.stats().entries === 1, 'only the recent one was read again')
  t.equal(keys.verifier.stats().entries, 1)
})
