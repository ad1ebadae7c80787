import bcrypt from 'bcrypt'
import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManagerError } from '../../src/keys/manager.ts'
import { failureOf, openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)
const { manager, verifier, peppers, sql } = await openKeys(t, shared, { peppers: new Peppers(randomPeppers(2)) })
const make = async (fields = {}) => await manager.create({ user: 'ada@example.com', name: 'one', scopes: ['a:b'], description: 'why', metadata: { team: 'x' }, environment: 'test', ...fields })
const secretOf = async (id: number) => (await sql('select key_hash, key_prefix, key_lookup, pepper_id from api_keys where id = $1', [id])).rows[0]
const earlierOf = async (id: number) => (await sql('select * from latchkey.earlier_secrets where api_key_id = $1 order by id', [id])).rows

t.test('a rotation gives a new secret, and leaves everything else as it was', async (t) => {
  const { key, apiKey } = await make()
  await sql("insert into api_key_usage (api_key_id, endpoint, method, created_at) values ($1, '/x', 'GET', now())", [apiKey.id])
  await sql("update api_keys set last_used_at = '2026-01-01T00:00:00Z' where id = $1", [apiKey.id])
  const before = await secretOf(apiKey.id)
  const rotated = await manager.rotate(apiKey.id)

  t.match(rotated.key, /^sk_test_[0-9A-Za-z]{38}$/, 'of the same environment')
  t.not(rotated.key, key)
  const { prefix, earlierSecrets, ...rest } = rotated.apiKey
  t.equal(prefix, rotated.key.slice(0, 12))
  const { prefix: oldPrefix, earlierSecrets: none, ...kept } = apiKey
  t.strictSame(none, [])
  t.strictSame(rest, { ...kept, lastUsedAt: new Date('2026-01-01') })
  t.equal((await sql('select from api_key_usage where api_key_id = $1', [apiKey.id])).rowCount, 1, 'its history')

  t.match(earlierSecrets, [{ prefix: oldPrefix, lastUsedAt: null, lastUserAgent: null }])
  const [earlier] = earlierSecrets
  t.equal(Math.round((earlier!.expiresAt.getTime() - earlier!.rotatedAt.getTime()) / 1000), 86_400, 'a day of grace by default')
  t.match(await earlierOf(apiKey.id), [before], 'what proved it is kept as it was, digest included')
})

t.test('the new secret is stored as bcrypt and under its own digest', async (t) => {
  const { key, apiKey } = await make()
  const rotated = await manager.rotate(apiKey.id)
  const stored = await secretOf(apiKey.id)
  t.ok(await bcrypt.compare(rotated.key, stored.key_hash))
  t.notOk(await bcrypt.compare(key, stored.key_hash))
  const [first] = peppers.lookupOf(rotated.key)
  t.strictSame([stored.key_lookup, stored.pepper_id], [first?.digest, first?.pepperId])
  t.equal((await verifier.verify(rotated.key)).key?.id, apiKey.id)
})

t.test('without a pepper no digest stays behind', async (t) => {
  const { apiKey } = await make()
  const { manager: without } = await openKeys(t, shared)
  await without.rotate(apiKey.id)
  t.match(await secretOf(apiKey.id), { key_lookup: null, pepper_id: null })
})

t.test('a grace ends when the key does, also when its end is moved later on', async (t) => {
  const expiresAt = new Date(Date.now() + 3_600_000)
  const { apiKey } = await make({ expiresAt })
  const rotated = await manager.rotate(apiKey.id, { gracePeriodMs: 7 * 86_400_000 })
  t.strictSame(rotated.apiKey.earlierSecrets[0]?.expiresAt, expiresAt)
  const sooner = new Date(Date.now() + 60_000)
  t.strictSame((await manager.update(apiKey.id, { expiresAt: sooner })).earlierSecrets[0]?.expiresAt, sooner)
  t.strictSame((await manager.update(apiKey.id, { expiresAt: null })).earlierSecrets[0]?.expiresAt, expiresAt, 'and a later end of the key gives it no more')
})

t.test('without grace the old secret, and every earlier one, ends at once', async (t) => {
  const { apiKey } = await make()
  await manager.rotate(apiKey.id)
  t.equal((await manager.rotate(apiKey.id)).apiKey.earlierSecrets.length, 2)
  t.strictSame((await manager.rotate(apiKey.id, { gracePeriodMs: 0 })).apiKey.earlierSecrets, [])
  t.equal((await sql('select from latchkey.earlier_secrets where api_key_id = $1 and expires_at > now()', [apiKey.id])).rowCount, 0)
})

t.test('an odd grace is refused', async (t) => {
  const { apiKey } = await make()
  for (const gracePeriodMs of [-1, 0.5, NaN, Infinity, 90 * 86_400_000 + 1]) {
    t.match(await failureOf(manager.rotate(apiKey.id, { gracePeriodMs })), { fault: 'invalid', field: 'gracePeriod', message: /from 0s to 90d/ })
  }
  t.equal((await manager.rotate(apiKey.id, { gracePeriodMs: 90 * 86_400_000 })).apiKey.earlierSecrets.length, 1)
})

t.test('revoked, expired and missing keys are refused, each with its fault, and stay as they were', async (t) => {
  const { apiKey } = await make()
  const before = await secretOf(apiKey.id)
  const faultOf = async (id: number) => {
    const err = await failureOf(manager.rotate(id))
    t.type(err, KeyManagerError)
    return err instanceof KeyManagerError ? err.fault : null
  }
  await sql("update api_keys set expires_at = now() - interval '1 second' where id = $1", [apiKey.id])
  t.equal(await faultOf(apiKey.id), 'expired')
  await manager.revoke(apiKey.id)
  t.equal(await faultOf(apiKey.id), 'revoked', 'which wins')
  t.equal(await faultOf(2_000_000_000), 'not_found')
  t.strictSame(await secretOf(apiKey.id), before)
  t.strictSame(await earlierOf(apiKey.id), [])
})

t.test('a disabled key may be rotated, and stays disabled', async (t) => {
  const { apiKey } = await make()
  await manager.disable(apiKey.id)
  t.equal((await manager.rotate(apiKey.id)).apiKey.status, 'disabled')
})

t.test('rotations at once come one after the other: each secret has its grace but the last', async (t) => {
  const { apiKey } = await make()
  const rotations = await Promise.all(Array.from({ length: 4 }, () => manager.rotate(apiKey.id)))
  const { prefix, earlierSecrets } = await manager.show(apiKey.id)
  const prefixes = [apiKey.prefix, ...rotations.map((rotated) => rotated.apiKey.prefix)]
  t.strictSame([prefix, ...earlierSecrets.map((secret) => secret.prefix)].toSorted(), prefixes.toSorted())
  const hashes = [await secretOf(apiKey.id), ...await earlierOf(apiKey.id)].map(({ key_hash: hash }) => hash)
  t.equal(new Set(hashes).size, 5)
})

t.test('a rotation and a revocation at once leave no key that works', async (t) => {
  const { apiKey } = await make()
  const [rotation] = await Promise.allSettled([manager.rotate(apiKey.id), manager.revoke(apiKey.id)])
  if (rotation.status === 'rejected') t.match(rotation.reason, { fault: 'revoked' })
  t.equal((await manager.show(apiKey.id)).status, 'revoked')
})

t.test('a grace is ended: one of them, then all', async (t) => {
  const { apiKey } = await make()
  await manager.rotate(apiKey.id)
  await manager.rotate(apiKey.id)
  const { apiKey: { earlierSecrets: [, oldest, ...others] } } = await manager.rotate(apiKey.id)
  const after = await manager.endGrace(apiKey.id, oldest!.id)
  t.equal(after.earlierSecrets.length, 2)
  t.notOk(after.earlierSecrets.some(({ id }) => id === oldest!.id))
  t.equal(others.length, 1)
  t.strictSame((await manager.endGrace(apiKey.id)).earlierSecrets, [])
  t.strictSame((await manager.endGrace(apiKey.id)).earlierSecrets, [], 'again, which changes nothing')
  t.match(await failureOf(manager.endGrace(2_000_000_000)), { fault: 'not_found' })
})

t.test('nobody ends the grace of another key', async (t) => {
  const [one, two] = [await make(), await make()]
  const { apiKey } = await manager.rotate(one.apiKey.id)
  await manager.endGrace(two.apiKey.id, apiKey.earlierSecrets[0]!.id)
  t.equal((await manager.show(one.apiKey.id)).earlierSecrets.length, 1)
})

t.test('what ended a month ago is forgotten by the next rotation of any key', async (t) => {
  const [one, two] = [await make(), await make()]
  await manager.rotate(one.apiKey.id)
  await manager.rotate(one.apiKey.id)
  await sql("update latchkey.earlier_secrets set expires_at = now() - interval '31 days' where id = (select min(id) from latchkey.earlier_secrets where api_key_id = $1)", [one.apiKey.id])
  await manager.rotate(two.apiKey.id)
  t.equal((await earlierOf(one.apiKey.id)).length, 1)
})

t.test('a key that is deleted takes its earlier secrets along', async (t) => {
  const { apiKey } = await make()
  await manager.rotate(apiKey.id)
  await manager.delete(apiKey.id)
  t.strictSame(await earlierOf(apiKey.id), [])
  t.match(await failureOf(manager.delete(apiKey.id)), { fault: 'not_found' })
})

t.test('a key made by hand, in an environment that no key can be for, is rotated in the first that is admitted', async (t) => {
  const { apiKey } = await make()
  await sql("update api_keys set environment = 'Not One!' where id = $1", [apiKey.id])
  t.match((await manager.rotate(apiKey.id)).key, /^sk_live_/)
})
