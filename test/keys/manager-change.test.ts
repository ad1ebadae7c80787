import t from 'tap'
import { KeyManagerError } from '../../src/keys/manager.ts'
import { failureOf, insertKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)
const { manager, sql, database } = await openKeys(t, shared)
const make = async () => (await manager.create({ user: 'ada@example.com', name: 'one', scopes: ['a:b'], description: 'why' })).apiKey

t.test('update changes what it is given and nothing else', async (t) => {
  const before = await make()
  t.same(await manager.update(before.id, {}), before)
  t.same(await manager.update(before.id, { name: 'two' }), { ...before, name: 'two' })
  const expiresAt = new Date(Date.now() + 86_400_000)
  t.same(await manager.update(before.id, { scopes: ['c'], expiresAt }), { ...before, name: 'two', scopes: ['c'], expiresAt })
  t.same(await manager.update(before.id, { expiresAt: null, description: null, scopes: [] }),
    { ...before, name: 'two', scopes: [], expiresAt: null, description: null })
})

t.test('update refuses what create would', async (t) => {
  const { id } = await make()
  for (const changes of [{ name: '' }, { scopes: ['A'] }, { expiresAt: new Date(0) }, { description: '\u0000' }]) {
    t.type(await failureOf(manager.update(id, changes)), KeyManagerError, JSON.stringify(changes))
  }
})

t.test('disable and enable', async (t) => {
  const { id } = await make()
  t.equal((await manager.disable(id)).status, 'disabled')
  t.equal((await manager.disable(id)).status, 'disabled')
  t.equal((await manager.enable(id)).status, 'active')
})

t.test('a revocation is for good, and keeps its first time', async (t) => {
  const { id } = await make()
  const revoked = await manager.revoke(id)
  t.equal(revoked.status, 'revoked')
  const { rows } = await sql('select is_active from public.api_keys where id = $1', [id])
  t.equal(rows[0].is_active, false)
  t.same(await manager.revoke(id), revoked)
  const err = await failureOf(manager.enable(id))
  t.type(err, KeyManagerError)
  t.match(err, { message: /revoked/ })
})

t.test('a key that there isn’t', async (t) => {
  for (const id of [2_000_000_000, -1, 1.5, NaN, 2 ** 31]) {
    for (const call of [manager.disable, manager.enable, manager.revoke]) t.type(await failureOf(call.call(manager, id)), KeyManagerError)
    t.type(await failureOf(manager.update(id, { name: 'x' })), KeyManagerError)
  }
})

t.test('show finds by id, by prefix and by a pasted key, which it doesn’t repeat', async (t) => {
  const { key, apiKey } = await manager.create({ user: 'ada@example.com', name: 'shown', scopes: [] })
  for (const name of [apiKey.id, String(apiKey.id), apiKey.prefix, `${apiKey.prefix}...`, `${apiKey.prefix}…`, key]) t.same(await manager.show(name), apiKey)
  await manager.revoke(apiKey.id)
  await sql('delete from public.api_keys where id = $1', [apiKey.id])
  const err = await failureOf(manager.show(key))
  t.type(err, KeyManagerError)
  t.notOk(String(err).includes(key))
  for (const name of ['', 'no_such_key', '99999999999', 4_000_000]) t.type(await failureOf(manager.show(name)), KeyManagerError)
})

t.test('show does not guess between two keys with one prefix', async (t) => {
  const one = await insertKey(database, { columns: { key_prefix: 'abc_' } })
  const two = await insertKey(database, { columns: { key_prefix: 'abc_...' } })
  await t.rejects(manager.show('abc_'), { message: new RegExp(`${one.id}, ${two.id}`) })
})
