import t, { type Test } from 'tap'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { insertKey, newKey, openKeys, openShared, type OpenOptions } from './support.ts'

const shared = await openShared(t)
const { database } = shared

async function openBehindProxy (t: Test, options: OpenOptions = {}) {
  const proxy = await proxyTo(database.url)
  const keys = await openKeys(t, shared, { url: proxy.through(database.url), ...options })
  t.teardown(() => proxy.close())
  return { ...keys, proxy }
}

t.test('cached keys go on beyond their TTL, in the state last known, and no longer than configured', async (t) => {
  const keys = await openBehindProxy(t)
  const valid = await insertKey(keys.database)
  const disabled = await insertKey(keys.database, { columns: { is_active: false } })
  const expiring = await insertKey(keys.database, { columns: { expires_at: new Date(keys.clock.startMs + 120_000) } })
  for (const { key } of [valid, disabled, expiring]) await keys.verifier.verify(key)
  await keys.proxy.cut()

  keys.clock.offsetMs = 100_000
  t.equal((await keys.verifier.verify(valid.key)).status, 'valid')
  t.equal((await keys.verifier.verify(disabled.key)).status, 'disabled')
  t.equal((await keys.verifier.verify(expiring.key)).status, 'valid')
  t.equal(keys.verifier.stats().isStoreUp, false)
  keys.clock.offsetMs = 120_000
  t.equal((await keys.verifier.verify(expiring.key)).status, 'expired')
  keys.clock.offsetMs = 659_999
  t.equal((await keys.verifier.verify(valid.key)).status, 'valid')
  keys.clock.offsetMs = 660_000
  t.equal((await keys.verifier.verify(valid.key)).status, 'unavailable')
  t.equal((await keys.verifier.verify(disabled.key)).status, 'unavailable', 'an outage is never a 401')
})

t.test('an unknown key is unavailable, never unknown', async (t) => {
  const keys = await openBehindProxy(t)
  const known = newKey()
  t.equal((await keys.verifier.verify(known)).status, 'unknown')
  await keys.proxy.cut()
  t.equal((await keys.verifier.verify(newKey())).status, 'unavailable')
  t.equal((await keys.verifier.verify(known)).status, 'unavailable', 'also one that was unknown before')
  await insertKey(keys.database, { key: known })
  await keys.proxy.resume()
  await until(() => keys.verifier.stats().isStoreUp, 'the store is found again')
  keys.clock.offsetMs = 10_000
  t.equal((await keys.verifier.verify(known)).status, 'valid')
})

t.test('when the store is back, it is found without a request, and asked', async (t) => {
  const keys = await openBehindProxy(t)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.proxy.cut()
  keys.clock.offsetMs = 60_000
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal(keys.returns(), 0)
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  await keys.proxy.resume()
  await until(() => keys.verifier.stats().isStoreUp, 'the store is found again')
  t.equal(keys.returns(), 1)
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
})

t.test('connections that broke while nobody used them cost nobody an answer', async (t) => {
  const keys = await openBehindProxy(t)
  const { key } = await insertKey(keys.database)
  t.equal(await keys.verifier.probe(), true)
  keys.proxy.reset()
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal(keys.logs.filter((line) => line.includes('cannot be asked')).length, 0)
})

t.test('a store that hangs holds up known keys for a moment, and nobody once that is known', async (t) => {
  const keys = await openBehindProxy(t, { queryTimeoutMs: 3000 })
  const [first, second] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [first, second]) t.equal((await keys.verifier.verify(key)).status, 'valid')
  keys.proxy.stall()
  keys.clock.offsetMs = 60_000
  const stranger = keys.verifier.verify(newKey())
  t.equal((await keys.verifier.verify(first.key)).status, 'valid')
  t.equal(keys.verifier.stats().isStoreUp, true, 'before its query has timed out')
  t.match(keys.verifier.verify(first.key), { status: 'valid' }, 'at once, while the query is under way')
  keys.verifier.handleNotification(JSON.stringify({ ids: [first.id], clearNegative: false }))
  const changed = keys.verifier.verify(first.key)
  t.ok(changed instanceof Promise, 'not from an entry that was thrown out')

  t.equal((await stranger).status, 'unavailable', 'after the time-out')
  t.equal((await changed).status, 'unavailable')
  t.match(keys.verifier.verify(second.key), { status: 'valid' }, 'at once')
  t.match(keys.verifier.verify(newKey()), { status: 'unavailable' }, 'at once')
  await keys.proxy.resume()
  await until(() => keys.verifier.stats().isStoreUp, 'the store is found again')
  t.equal((await keys.verifier.verify(first.key)).status, 'valid')
})

t.test('whoever waits for a store that turns out to be away is told so with the first', async (t) => {
  const keys = await openBehindProxy(t, { queryTimeoutMs: 2000 })
  t.equal(await keys.verifier.probe(), true)
  keys.proxy.stall()
  // More than there are connections: without it, some would wait for a connection first and for their own time-out then.
  const startedAtMs = performance.now()
  const answers = await Promise.all(Array.from({ length: 50 }, () => keys.verifier.verify(newKey())))
  t.comment(`answered after ${Math.round(performance.now() - startedAtMs)} ms`)
  t.ok(answers.every(({ status }) => status === 'unavailable'))
  t.ok(keys.waiting() > 0, 'not each after a wait for a connection of its own')
  await keys.proxy.resume()
})

t.test('a revocation that is heard of counts at once', async (t) => {
  const keys = await openBehindProxy(t, { listens: true })
  const [one, other] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [one, other]) await keys.verifier.verify(key)
  await keys.proxy.cut()
  keys.verifier.handleNotification(JSON.stringify({ ids: [one.id], clearNegative: false }))
  t.equal((await keys.verifier.verify(one.key)).status, 'unavailable')
  keys.clock.offsetMs = 60_000
  t.equal((await keys.verifier.verify(other.key)).status, 'valid')
  keys.verifier.handleNotification('{"all": true}')
  t.equal((await keys.verifier.verify(other.key)).status, 'unavailable', 'any key may have changed')
})

t.test('a statement that Postgres refuses is an outage too', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('alter table public.api_keys rename to elsewhere')
  keys.clock.offsetMs = 60_000
  t.equal((await keys.verifier.verify(newKey())).status, 'unavailable')
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal(await keys.verifier.probe(), false)
  t.equal(keys.verifier.stats().isStoreUp, false)
  await keys.sql('alter table public.elsewhere rename to api_keys')
  await until(() => keys.verifier.stats().isStoreUp, 'noticed without a request')
  t.equal((await keys.verifier.verify(newKey())).status, 'unknown')
  t.equal(keys.verifier.stats().isStoreUp, true)
  t.equal(keys.logs.filter((line) => line.includes('cannot be asked')).length, 1, 'logged once a minute')
})

t.test('a probe tells whether the store was ever reached', async (t) => {
  const keys = await openBehindProxy(t)
  await keys.proxy.cut()
  t.equal(await keys.verifier.probe(), false)
  t.equal(keys.verifier.hasReachedStore, false)
  await keys.proxy.resume()
  t.equal(await keys.verifier.probe(), true)
  t.equal(keys.verifier.hasReachedStore, true)
  await keys.proxy.cut()
  t.equal(await keys.verifier.probe(), false)
  t.equal(keys.verifier.hasReachedStore, true)
})
