import t from 'tap'
import { insertKey, newKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)

t.test('a cached key is answered at once, by the same object', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  const first = await keys.verifier.verify(key)
  const second = keys.verifier.verify(key)
  t.equal(second, first)
  t.equal(keys.verifier.verify(key), second)
  t.match(keys.verifier.stats(), { entries: 1, hits: 2, misses: 1 })
})

t.test('after the TTL a key is rechecked by one query, without bcrypt', async (t) => {
  const keys = await openKeys(t, shared)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('update public.api_keys set is_active = false where id = $1', [id])
  t.match(keys.verifier.verify(key), { status: 'valid' }, 'nobody listens here')
  keys.clock.offsetMs = 60_000
  const queries = keys.queries()
  t.equal((await keys.verifier.verify(key)).status, 'disabled')
  t.equal(keys.queries(), queries + 1)
  t.equal(keys.bcrypt.compares, 1)
  t.match(keys.verifier.stats(), { entries: 1, rechecks: 1 })
})

t.test('use does not prolong an entry', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  for (let second = 1; second < 60; second++) {
    keys.clock.offsetMs = second * 1000
    t.notOk(keys.verifier.verify(key) instanceof Promise)
  }
  keys.clock.offsetMs = 60_000
  t.ok(keys.verifier.verify(key) instanceof Promise)
})

t.test('a recheck that finds another hash, or no row, starts over', async (t) => {
  const keys = await openKeys(t, shared)
  const [replaced, deleted] = [await insertKey(keys.database), await insertKey(keys.database)]
  await keys.verifier.verify(replaced.key)
  await keys.verifier.verify(deleted.key)
  await keys.sql('update public.api_keys set key_hash = $2 where id = $1', [replaced.id, 'x'])
  await keys.sql('delete from public.api_keys where id = $1', [deleted.id])
  keys.clock.offsetMs = 60_000
  t.equal((await keys.verifier.verify(replaced.key)).status, 'unknown')
  t.equal((await keys.verifier.verify(deleted.key)).status, 'unknown')
  t.equal(keys.verifier.stats().entries, 0)
})

t.test('concurrent rechecks of one key are one', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  keys.clock.offsetMs = 60_000
  const queries = keys.queries()
  await Promise.all(Array.from({ length: 20 }, () => keys.verifier.verify(key)))
  t.equal(keys.queries(), queries + 1)
  t.match(keys.verifier.stats(), { rechecks: 1, coalesced: 19 })
})

t.test('an unknown key is remembered for the negative TTL', async (t) => {
  const keys = await openKeys(t, shared)
  const key = newKey()
  t.equal((await keys.verifier.verify(key)).status, 'unknown')
  t.equal(keys.queries(), 1)
  t.match(keys.verifier.verify(key), { status: 'unknown' })
  t.equal(keys.queries(), 1)
  t.equal(keys.verifier.stats().negativeHits, 1)
  keys.clock.offsetMs = 10_000
  t.equal((await keys.verifier.verify(key)).status, 'unknown')
  t.equal(keys.queries(), 2)
})

t.test('while notifications may be missed, nothing older than a second counts', async (t) => {
  let isListening = true
  const keys = await openKeys(t, shared, { isListening: () => isListening })
  const { key, id } = await insertKey(keys.database)
  const unknown = newKey()
  await keys.verifier.verify(key)
  await keys.verifier.verify(unknown)
  isListening = false
  keys.clock.offsetMs = 1000
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
  await insertKey(keys.database, { key: unknown })
  t.equal((await keys.verifier.verify(unknown)).status, 'valid')
})

t.test('what was marked stale is rechecked on use, not thrown away', async (t) => {
  const keys = await openKeys(t, shared)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  keys.verifier.markAllStale()
  t.equal(keys.verifier.stats().entries, 1)
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
  t.equal(keys.bcrypt.compares, 1)
  t.match(keys.verifier.verify(key), { status: 'revoked' }, 'and is fresh again')
})

t.test('a clock that was set back does not prolong an entry', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  keys.clock.offsetMs = -3_600_000
  t.ok(keys.verifier.verify(key) instanceof Promise)
})
