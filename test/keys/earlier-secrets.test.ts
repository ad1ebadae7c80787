import t, { type Test } from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { insertKey, openKeys, openShared, type OpenOptions, randomPeppers } from './support.ts'

const shared = await openShared(t)
const hourMs = 3_600_000
const cache = (ttlMs: number) => ({ entriesMax: 1000, ttlMs, negativeEntriesMax: 1000, negativeTtlMs: 10_000 })

/** A key that was rotated, with both its secrets. */
async function openRotated (t: Test, { gracePeriodMs = hourMs, ...options }: OpenOptions & { readonly gracePeriodMs?: number } = {}) {
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()), ...options })
  const { key: old, apiKey: { id } } = await keys.manager.create({ user: 'ada@example.com', name: 'n', scopes: ['a:b'] })
  const { key: present } = await keys.manager.rotate(id, { gracePeriodMs })
  if (options.listens === true) await keys.caughtUp()
  return { ...keys, id, old, present }
}

t.test('found by its digest, an earlier secret is its key, with its grace and without bcrypt', async (t) => {
  const keys = await openRotated(t, { listens: true })
  const before = keys.queries()
  const { status, key } = await keys.verifier.verify(keys.old)
  t.equal(status, 'valid')
  t.match(key, { id: keys.id, name: 'n', scopes: ['a:b'] })
  t.equal(keys.queries() - before, 2, 'behind the one for the digest of a present secret')
  t.equal(keys.bcrypt.compares, 0)
  const { rows: [row] } = await keys.sql('select id::int, created_at, expires_at from latchkey.earlier_secrets where api_key_id = $1', [keys.id])
  t.equal(key?.grace?.id, row.id)
  t.equal(Math.trunc(key?.grace?.sinceMs ?? 0), row.created_at.getTime())
  t.equal(Math.trunc(key?.grace?.endsAtMs ?? 0), row.expires_at.getTime())

  const ofPresent = await keys.verifier.verify(keys.present)
  t.match(ofPresent, { status: 'valid', key: { id: keys.id, grace: null } })
  t.equal(keys.queries() - before, 3, 'and the present secret costs one query, as ever')
  t.not(ofPresent.key?.secretId, key?.secretId)
  t.equal((keys.verifier.verify(keys.old) as { key: unknown }).key, key, 'from the cache, at once')
})

t.test('without a pepper bcrypt proves it, once a process, and a digest is written once there is one', async (t) => {
  const keys = await openRotated(t, { peppers: new Peppers([]), listens: true })
  t.match(await keys.verifier.verify(keys.old), { status: 'valid', key: { id: keys.id, grace: {} } })
  const compares = keys.bcrypt.compares
  t.ok(compares > 0)
  keys.clock.offsetMs = 61_000
  t.match(await keys.verifier.verify(keys.old), { status: 'valid', key: { grace: {} } })
  t.equal(keys.bcrypt.compares, compares, 'confirmed by its id')

  const peppered = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()), listens: true })
  t.match(await peppered.verifier.verify(keys.old), { status: 'valid', key: { id: keys.id, grace: {} } })
  const digests = async () => (await keys.sql('select key_lookup from latchkey.earlier_secrets where api_key_id = $1 and pepper_id = $2', [keys.id, peppered.peppers.ids[0]])).rowCount
  await until(async () => await digests() === 1, 'the digest is written')
  await peppered.caughtUp()
  t.equal(peppered.notifications(), 0, 'which is nobody\'s news')

  const next = await openKeys(t, shared, { peppers: peppered.peppers })
  t.match(await next.verifier.verify(keys.old), { status: 'valid', key: { id: keys.id, grace: {} } })
  t.equal(next.bcrypt.compares, 0)
})

t.test('a digest is written only where the hash is still the one that was proven', async (t) => {
  const keys = await openRotated(t)
  const { key } = await keys.verifier.verify(keys.old)
  t.equal(await keys.store.writeDigest(key!, 'another hash', Buffer.from('x'), 'p'), false)
})

t.test('the grace ends on the dot, cached or not', async (t) => {
  const keys = await openRotated(t, { config: { cache: cache(2 * hourMs) } })
  const { endsAtMs } = (await keys.verifier.verify(keys.old)).key!.grace!
  keys.clock.offsetMs = Math.ceil(endsAtMs) - 1 - keys.clock.startMs
  t.match(keys.verifier.verify(keys.old), { status: 'valid' })
  keys.clock.offsetMs++
  t.same(keys.verifier.verify(keys.old), { status: 'unknown', key: null })
  t.match(await keys.verifier.verify(keys.present), { status: 'valid', key: { grace: null } })

  const other = await openKeys(t, shared, { peppers: keys.peppers })
  other.clock.offsetMs = keys.clock.nowMs() - other.clock.startMs
  t.same(await other.verifier.verify(keys.old), { status: 'unknown', key: null }, 'nor is it when it is looked up')
})

t.test('by the database\'s clock, too: a grace that is over is not found', async (t) => {
  const keys = await openRotated(t, { gracePeriodMs: 1 })
  await until(async () => (await keys.sql('select from latchkey.earlier_secrets where api_key_id = $1 and expires_at < now()', [keys.id])).rowCount === 1, 'it is over')
  t.same(await keys.verifier.verify(keys.old), { status: 'unknown', key: null })
  t.equal((await keys.verifier.verify(keys.present)).status, 'valid')
})

t.test('the key\'s own expiry comes first, and no grace outlasts it', async (t) => {
  const keys = await openRotated(t, { config: { cache: cache(4 * hourMs) }, listens: true })
  await keys.sql('update public.api_keys set expires_at = $2 where id = $1', [keys.id, new Date(keys.clock.startMs + hourMs / 2)])
  await keys.caughtUp()
  const { endsAtMs } = (await keys.verifier.verify(keys.old)).key!.grace!
  keys.clock.offsetMs = hourMs / 2 - 1
  t.match(keys.verifier.verify(keys.old), { status: 'valid' })
  keys.clock.offsetMs++
  t.match(keys.verifier.verify(keys.old), { status: 'expired', key: { id: keys.id } })
  keys.clock.offsetMs = Math.ceil(endsAtMs) - keys.clock.startMs
  t.same(keys.verifier.verify(keys.old), { status: 'unknown', key: null })
  t.match(await keys.verifier.verify(keys.present), { status: 'expired' })
})

t.test('it has the key\'s state and scopes', async (t) => {
  const keys = await openRotated(t, { listens: true })
  for (const [change, status] of [
    ["scopes = '{c:d}'", 'valid'], ['is_active = false', 'disabled'], ['revoked_at = now()', 'revoked'],
  ] as const) {
    await keys.sql(`update public.api_keys set ${change} where id = $1`, [keys.id])
    await keys.caughtUp()
    t.match(await keys.verifier.verify(keys.old), { status, key: { id: keys.id, scopes: ['c:d'], grace: {} } }, change)
  }
  await keys.sql("update public.api_keys set environment = 'elsewhere' where id = $1", [keys.id])
  await keys.caughtUp()
  t.same(await keys.verifier.verify(keys.old), { status: 'unknown', key: null })
  await keys.sql('delete from public.api_keys where id = $1', [keys.id])
  await keys.caughtUp()
  t.same(await keys.verifier.verify(keys.old), { status: 'unknown', key: null })
})

t.test('of two rotations, both earlier secrets go on', async (t) => {
  const keys = await openRotated(t, { listens: true })
  const { key: third } = await keys.manager.rotate(keys.id)
  await keys.caughtUp()
  const found = await Promise.all([keys.old, keys.present, third].map(async (key) => await keys.verifier.verify(key)))
  t.same(found.map(({ status, key }) => [status, key?.id, key?.grace === null]), [['valid', keys.id, false], ['valid', keys.id, false], ['valid', keys.id, true]])
  t.equal(new Set(found.map(({ key }) => key?.secretId)).size, 3)
})

t.test('ended early it is unknown at once, and given back it works again', async (t) => {
  const keys = await openRotated(t, { listens: true })
  t.equal((await keys.verifier.verify(keys.old)).status, 'valid')
  await keys.manager.endGrace(keys.id)
  await keys.caughtUp()
  t.equal((await keys.verifier.verify(keys.old)).status, 'unknown')
  t.equal((await keys.verifier.verify(keys.present)).status, 'valid')
  await keys.sql("update latchkey.earlier_secrets set expires_at = now() + interval '1 hour' where api_key_id = $1", [keys.id])
  await keys.caughtUp()
  t.equal((await keys.verifier.verify(keys.old)).status, 'valid')
  await keys.sql('delete from latchkey.earlier_secrets where api_key_id = $1', [keys.id])
  await keys.caughtUp()
  t.equal((await keys.verifier.verify(keys.old)).status, 'unknown')
})

t.test('a cached secret whose replacement nobody told of becomes an earlier one by its id, without bcrypt', async (t) => {
  const keys = await openKeys(t, shared)
  const { key: old, id } = await insertKey(keys.database)
  t.match(await keys.verifier.verify(old), { status: 'valid', key: { grace: null } })
  const { compares } = keys.bcrypt
  await keys.manager.rotate(id)
  t.match(await keys.verifier.verify(old), { status: 'valid', key: { grace: null } }, 'nothing was heard')
  const before = keys.queries()
  keys.clock.offsetMs = 60_000
  t.match(await keys.verifier.verify(old), { status: 'valid', key: { id, grace: {} } })
  t.equal(keys.queries() - before, 1)

  // Sixteen at once are read by queries for many.
  const many = await Promise.all(Array.from({ length: 16 }, async () => await insertKey(keys.database)))
  for (const { key } of many) await keys.verifier.verify(key)
  for (const { id } of many) await keys.manager.rotate(id)
  const comparesBefore = keys.bcrypt.compares
  keys.clock.offsetMs = 120_000
  const found = await Promise.all(many.map(async ({ key }) => await keys.verifier.verify(key)))
  t.ok(found.every(({ status, key }) => status === 'valid' && key?.grace !== null))
  t.equal(keys.bcrypt.compares, comparesBefore)
  t.ok(compares > 0)
})

t.test('what is read again in the background keeps earlier secrets, and drops those that ended', async (t) => {
  const proxy = await proxyTo(shared.database.url)
  const keys = await openRotated(t, { url: proxy.through(shared.database.url) })
  t.teardown(() => proxy.close())
  const gone = await keys.manager.create({ user: 'ada@example.com', name: 'n', scopes: [] })
  await keys.manager.rotate(gone.apiKey.id)
  for (const key of [keys.old, keys.present, gone.key]) t.equal((await keys.verifier.verify(key)).status, 'valid')
  await keys.manager.endGrace(gone.apiKey.id)
  keys.verifier.markAllStale()
  await until(() => keys.verifier.stats().entries === 2, 'only what ended was dropped')

  await proxy.cut()
  await keys.verifier.probe()
  t.match(await keys.verifier.verify(keys.old), { status: 'valid', key: { grace: {} } })
  t.match(await keys.verifier.verify(keys.present), { status: 'valid', key: { grace: null } })
  t.equal((await keys.verifier.verify(gone.key)).status, 'unavailable')
})

t.test('in an outage it goes on as any cached key, but never past its grace', async (t) => {
  const proxy = await proxyTo(shared.database.url)
  const keys = await openRotated(t, { url: proxy.through(shared.database.url), gracePeriodMs: 300_000 })
  t.teardown(() => proxy.close())
  const { endsAtMs } = (await keys.verifier.verify(keys.old)).key!.grace!
  await proxy.cut()
  await keys.verifier.probe()
  keys.clock.offsetMs = 120_000
  t.equal((await keys.verifier.verify(keys.old)).status, 'valid')
  keys.clock.offsetMs = Math.ceil(endsAtMs) - keys.clock.startMs
  t.equal((await keys.verifier.verify(keys.old)).status, 'unknown')
})

t.test('secrets without digests that share a prefix with others are told apart', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  const one = await insertKey(keys.database, { columns: { key_prefix: 'sk_live' } })
  const other = await insertKey(keys.database, { columns: { key_prefix: 'sk_live' } })
  for (const { id } of [one, other]) {
    await keys.manager.rotate(id)
    await keys.sql("update latchkey.earlier_secrets set key_prefix = 'sk_live...' where api_key_id = $1", [id])
  }
  await keys.caughtUp()
  for (const { key, id } of [one, other]) t.match(await keys.verifier.verify(key), { status: 'valid', key: { id, grace: {} } })
})
