import t from 'tap'
import { insertKey, newKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)

t.test('changes by straight SQL reach the cache', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  const changes: [string, string][] = [
    ['update public.api_keys set is_active = false where id = $1', 'disabled'],
    ['update public.api_keys set revoked_at = now() where id = $1', 'revoked'],
    ['update public.api_keys set expires_at = now() where id = $1', 'expired'],
    ['delete from public.api_keys where id = $1', 'unknown'],
  ]
  for (const [statement, status] of changes) {
    const { key, id } = await insertKey(keys.database)
    keys.clock.offsetMs = Date.now() - keys.clock.startMs
    t.equal((await keys.verifier.verify(key)).status, 'valid')
    await keys.sql(statement, [id])
    await keys.caughtUp()
    keys.clock.offsetMs = Date.now() - keys.clock.startMs
    t.equal((await keys.verifier.verify(key)).status, status)
  }
})

t.test('only the keys that changed are dropped', async (t) => {
  const keys = await openKeys(t, shared)
  const [one, two] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [one, two]) await keys.verifier.verify(key)
  keys.verifier.handleNotification(JSON.stringify({ ids: [one.id], clearNegative: false }))
  t.equal(keys.verifier.stats().entries, 1)
  t.match(keys.verifier.verify(two.key), { status: 'valid' })
})

t.test('an unknown key is told so, however many new ones are announced meanwhile, but that is not kept', async (t) => {
  const keys = await openKeys(t, shared)
  const key = newKey()
  let isAnswered = false
  const announce = (): void => {
    if (isAnswered) return
    keys.verifier.handleNotification(JSON.stringify({ ids: [1_000_000], clearNegative: true }))
    setImmediate(announce)
  }
  setImmediate(announce)
  const { status } = await keys.verifier.verify(key)
  isAnswered = true
  t.equal(status, 'unknown')
  await insertKey(keys.database, { key })
  t.equal((await keys.verifier.verify(key)).status, 'valid')
})

t.test('a new key is known at once, although it was unknown before', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  const key = newKey()
  t.equal((await keys.verifier.verify(key)).status, 'unknown')
  await insertKey(keys.database, { key })
  await keys.caughtUp()
  t.equal((await keys.verifier.verify(key)).status, 'valid')
})

t.test('a change of many keys, or TRUNCATE, leaves nothing unchecked', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  const [one, two] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [one, two]) await keys.verifier.verify(key)
  keys.verifier.handleNotification('{"all": true}')
  t.equal((await keys.verifier.verify(one.key)).status, 'valid')
  t.equal(keys.bcrypt.compares, 2, 'the secret need not be proven again')
  await keys.sql('truncate public.api_keys cascade')
  await keys.caughtUp()
  for (const { key } of [one, two]) t.equal((await keys.verifier.verify(key)).status, 'unknown')
})

t.test('a payload that can’t be read makes everything be checked again', async (t) => {
  const keys = await openKeys(t, shared)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  keys.verifier.handleNotification('nonsense')
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
})

t.test('the gateway’s own bookkeeping notifies nobody', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.caughtUp()
  const before = keys.notifications()
  await keys.sql('update public.api_keys set last_used_at = now(), key_lookup = $2, pepper_id = $3 where id = $1', [id, Buffer.from('x'), 'p'])
  await keys.caughtUp()
  t.equal(keys.notifications(), before)
  t.match(keys.verifier.verify(key), { status: 'valid' })
})
