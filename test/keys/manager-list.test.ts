import t from 'tap'
import { type KeyFilter, KeyManagerError } from '../../src/keys/manager.ts'
import { failureOf, insertKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)
const { manager, database } = await openKeys(t, shared)

const make = async (user: string, scopes: string[]) => (await manager.create({ user, name: 'x', scopes })).apiKey
const ada = await make('ada@example.com', ['inventory:read'])
const bob = await make('bob@example.com', ['inventory:*'])
const off = await manager.disable((await make('ada@example.com', [])).id)
const gone = await manager.revoke((await make('ada@example.com', [])).id)
const old = (await insertKey(database, { columns: { expires_at: new Date(0), scopes: [], key_prefix: 'old%_' } })).id

const ids = async (filter: KeyFilter) => (await manager.list(filter)).data.map(({ id }) => id)

t.test('filters', async (t) => {
  t.same(await ids({}), [ada.id, bob.id, off.id, gone.id, old])
  t.same(await ids({ user: 'ada@example.com' }), [ada.id, off.id, gone.id])
  t.same(await ids({ user: bob.userId }), [bob.id])
  t.same(await ids({ scope: 'inventory:read' }), [ada.id], 'literally')
  t.same(await ids({ prefix: ada.prefix }), [ada.id])
  t.same(await ids({ prefix: 'sk_live_' }), [ada.id, bob.id, off.id, gone.id])
  t.same(await ids({ prefix: 'sk%' }), [])
  t.same(await ids({ prefix: 'old%_' }), [old])
  t.same(await ids({ status: 'active' }), [ada.id, bob.id])
  t.same(await ids({ status: 'disabled' }), [off.id])
  t.same(await ids({ status: 'revoked' }), [gone.id])
  t.same(await ids({ status: 'expired' }), [old])
  t.same(await ids({ user: 'ada@example.com', status: 'revoked' }), [gone.id])
  t.same(await ids({ user: '7d9f3f0a-6c52-4a3e-9a53-0f6d2c1b7e11' }), [])
})

t.test('pages', async (t) => {
  const seen: number[] = []
  let afterId: number | undefined
  for (;;) {
    const page = await manager.list({ limit: 2, afterId })
    seen.push(...page.data.map(({ id }) => id))
    if (page.nextAfterId === null) break
    t.equal(page.data.length, 2)
    afterId = page.nextAfterId
  }
  t.same(seen, [ada.id, bob.id, off.id, gone.id, old])
  t.equal((await manager.list({ limit: 5 })).nextAfterId, null)
})

t.test('refuses what it can’t filter by', async (t) => {
  for (const limit of [0, 1001, 1.5, NaN]) t.type(await failureOf(manager.list({ limit })), KeyManagerError)
  await t.rejects(manager.list({ user: 'nobody@example.com' }), { message: /No user has the email/ })
  t.type(await failureOf(manager.list({ user: 'nobody' })), KeyManagerError)
  t.type(await failureOf(manager.list({ afterId: -1 })), KeyManagerError)
  t.type(await failureOf(manager.list({ status: 'gone' as 'revoked' })), KeyManagerError)
})
