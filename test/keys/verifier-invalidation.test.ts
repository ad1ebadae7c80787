import t from 'tap'
import { until } from '../support/until.ts'
import { insertKey, newKey, openKeys } from './support.ts'

t.test('changes by straight SQL reach the cache', async (t) => {
  const keys = await openKeys(t, { listens: true })
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
    const before = keys.notifications()
    await keys.sql(statement, [id])
    await until(() => keys.notifications() > before, 'the change was heard of')
    keys.clock.offsetMs = Date.now() - keys.clock.startMs
    t.equal((await keys.verifier.verify(key)).status, status)
  }
})

t.test('only the keys that changed are dropped', async (t) => {
  const keys = await openKeys(t)
  const [one, two] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [one, two]) await keys.verifier.verify(key)
  keys.verifier.handleNotification(JSON.stringify({ ids: [one.id], clearNegative: false }))
  t.equal(keys.verifier.stats().entries, 1)
  t.match(keys.verifier.verify(two.key), { status: 'valid' })
})

t.test('a new key is known at once, although it was unknown before', async (t) => {
  const keys = await openKeys(t, { listens: true })
  const key = newKey()
  t.equal((await keys.verifier.verify(key)).status, 'unknown')
  const before = keys.notifications()
  await insertKey(keys.database, { key })
  await until(() => keys.notifications() > before, 'the insert was heard of')
  t.equal((await keys.verifier.verify(key)).status, 'valid')
})

t.test('a change of many keys, or TRUNCATE, leaves nothing unchecked', async (t) => {
  const keys = await openKeys(t, { listens: true })
  const [one, two] = [await insertKey(keys.database), await insertKey(keys.database)]
  for (const { key } of [one, two]) await keys.verifier.verify(key)
  keys.verifier.handleNotification('{"all": true}')
  t.equal((await keys.verifier.verify(one.key)).status, 'valid')
  t.equal(keys.bcrypt.compares, 2, 'the secret need not be proven again')
  const before = keys.notifications()
  await keys.sql('truncate public.api_keys cascade')
  await until(() => keys.notifications() > before, 'it was heard of')
  for (const { key } of [one, two]) t.equal((await keys.verifier.verify(key)).status, 'unknown')
})

t.test('a payload that can’t be read makes everything be checked again', async (t) => {
  const keys = await openKeys(t)
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  keys.verifier.handleNotification('nonsense')
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
})

t.test('the gateway’s own bookkeeping notifies nobody', async (t) => {
  const keys = await openKeys(t, { listens: true })
  const { key, id } = await insertKey(keys.database)
  await keys.verifier.verify(key)
  await keys.sql('update public.api_keys set last_used_at = now(), key_lookup = $2, pepper_id = $3 where id = $1', [id, Buffer.from('x'), 'p'])
  // Postgres delivers in order: once this key's insert is heard of, a notification before it would have been, too.
  const before = keys.notifications()
  await insertKey(keys.database)
  await until(() => keys.notifications() > before, 'the insert was heard of')
  t.equal(keys.notifications(), before + 1)
  t.match(keys.verifier.verify(key), { status: 'valid' })
})
