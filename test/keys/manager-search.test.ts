import pg from 'pg'
import t from 'tap'
import { type KeyFilter, KeyManager } from '../../src/keys/manager.ts'
import { createRole } from '../support/role.ts'
import { failureOf, insertKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)
const { manager, sql, database } = await openKeys(t, shared)
const make = async (user: string, name: string) => (await manager.create({ user, name, scopes: [] })).apiKey
const ada = await make('Ada.Lovelace@example.com', 'Reporting (monthly)')
const bob = await make('bob@example.org', '100%_of it')
const other = await make('bob@example.org', 'RÉSUMÉS')
const dotted = (await insertKey(database, { columns: { key_prefix: 'acme_x1...', name: 'imported' } })).id
const nameless = (await insertKey(database, { columns: { key_prefix: 'zzz', name: 'x' } })).id
const idsOf = async (filter: KeyFilter) => (await manager.list(filter)).data.map(({ id }) => id)
const all = [ada.id, bob.id, other.id, dotted, nameless]

t.test('part of a name, in any case and taken literally', async (t) => {
  for (const [search, ids] of [
    ['reporting', [ada.id]], ['MONTH', [ada.id]], ['(month', [ada.id]], ['0%_o', [bob.id]], ['%', [bob.id]], ['_of', [bob.id]], ['résumé', [other.id]],
    ['\\', []], ["'", []], ['nothing of the kind', []],
  ] as const) t.strictSame(await idsOf({ search }), ids, search)
})

t.test('part of the user’s email, in any case', async (t) => {
  t.strictSame(await idsOf({ search: 'lovelace' }), [ada.id])
  t.strictSame(await idsOf({ search: 'BOB@EXAMPLE' }), [bob.id, other.id])
  t.strictSame(await idsOf({ search: 'example.' }), [ada.id, bob.id, other.id])
})

t.test('however many users have it in their email', async (t) => {
  await sql("insert into auth.users (email) select n || '@crowd.test' from generate_series(1, 1500) as n")
  await sql("insert into api_keys (user_id, key_hash, key_prefix, name) select id, 'x', 'sk_live_0000', 'x' from auth.users where email like '%@crowd.test'")
  let found = 0
  for (let afterId: number | undefined; ;) {
    const { data, nextAfterId } = await manager.list({ search: 'crowd.test', limit: 1000, afterId })
    found += data.length
    if (nextAfterId === null) break
    afterId = nextAfterId
  }
  t.equal(found, 1500)
  await sql("delete from auth.users where email like '%@crowd.test'")
})

t.test('the beginning of a user’s id or of a prefix, and no other part of it', async (t) => {
  t.strictSame(await idsOf({ search: bob.userId.slice(0, 18).toUpperCase() }), [bob.id, other.id])
  t.strictSame(await idsOf({ search: bob.userId.slice(4) }), [])
  t.strictSame(await idsOf({ search: 'ACME_X' }), [dotted])
  t.strictSame(await idsOf({ search: 'acme_x1...' }), [dotted], 'as it is displayed')
  t.strictSame(await idsOf({ search: 'cme_' }), [])
})

t.test('a whole key, pasted by mistake, finds its row by its prefix and goes no further', async (t) => {
  const { key, apiKey } = await manager.create({ user: 'bob@example.org', name: 'pasted', scopes: [] })
  t.strictSame(await idsOf({ search: key }), [apiKey.id])
  await manager.delete(apiKey.id)
})

t.test('an empty search finds all', async (t) => {
  for (const search of ['', '  ', '...']) t.strictSame(await idsOf({ search }), all, JSON.stringify(search))
})

t.test('a search beside the other filters', async (t) => {
  await manager.disable(other.id)
  t.strictSame(await idsOf({ search: 'bob', status: 'disabled' }), [other.id])
  t.strictSame(await idsOf({ search: 'bob', user: 'ada.lovelace@example.com' }), [])
  t.strictSame(await idsOf({ search: 'bob', prefix: bob.prefix }), [bob.id])
  await manager.enable(other.id)
})

t.test('a role that may not look at users finds by everything else', async (t) => {
  const role = await createRole(t, database)
  await sql(`grant usage on schema latchkey to ${role.name}; grant select on api_keys, latchkey.earlier_secrets to ${role.name};
    create policy reader on api_keys to ${role.name} using (true)`)
  const pool = new pg.Pool({ connectionString: role.url })
  pool.on('error', () => {})
  t.teardown(async () => await pool.end())
  const { bcrypt, config, peppers } = await openKeys(t, shared)
  const least = new KeyManager({ pool, bcrypt, config, peppers })
  t.strictSame((await least.list({ search: 'report' })).data.map(({ id }) => id), [ada.id])
  t.strictSame((await least.list({ search: 'lovelace' })).data, [])
})

t.test('pages in both orders have every key once', async (t) => {
  for (const [order, expected] of [['oldest', all], ['newest', all.toReversed()]] as const) {
    t.strictSame(await idsOf({ order }), expected, order)
    const seen: number[] = []
    let afterId: number | undefined
    for (let page = 0; page < 10; page++) {
      const { data, nextAfterId } = await manager.list({ order, limit: 2, ...afterId === undefined ? {} : { afterId } })
      seen.push(...data.map(({ id }) => id))
      if (nextAfterId === null) break
      t.equal(data.length, 2)
      afterId = nextAfterId
    }
    t.strictSame(seen, expected, `${order}, two a page`)
  }
})

t.test('a page that is full and the last one says so', async (t) => {
  t.equal((await manager.list({ limit: all.length })).nextAfterId, null)
  t.equal((await manager.list({ limit: all.length - 1, order: 'newest' })).nextAfterId, all[1])
})

t.test('keys made between two pages, the newest first, come into none of them', async (t) => {
  const first = await manager.list({ order: 'newest', limit: 2 })
  const { id } = await make('bob@example.org', 'new')
  t.strictSame(await idsOf({ order: 'newest', afterId: first.nextAfterId! }), all.toReversed().slice(2))
  t.strictSame(await idsOf({ order: 'newest', limit: 1 }), [id])
  await manager.delete(id)
})

t.test('a cursor of a key that has been deleted goes on from where it was', async (t) => {
  const { id } = await make('bob@example.org', 'gone')
  const { id: later } = await make('bob@example.org', 'later')
  await manager.delete(id)
  t.strictSame(await idsOf({ afterId: id }), [later])
  t.strictSame(await idsOf({ order: 'newest', afterId: id }), all.toReversed())
  await manager.delete(later)
})

t.test('odd filters', async (t) => {
  for (const filter of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { afterId: -1 }, { afterId: NaN }]) t.match(await failureOf(manager.list(filter)), { fault: 'invalid' }, JSON.stringify(filter))
  t.match(await failureOf(manager.list({ status: 'lost' as 'active' })), { fault: 'invalid', field: 'status' })
  for (const field of ['search', 'prefix', 'scope']) t.match(await failureOf(manager.list({ [field]: 'a\0b' })), { fault: 'invalid', field })
  t.strictSame(await idsOf({ search: '\ud800' }), [])
})
