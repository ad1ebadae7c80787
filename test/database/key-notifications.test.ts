import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { listenForKeys } from './listening.ts'
import { addKeys, addUser } from './rows.ts'

t.test('an insert names its keys and clears the negative cache', async (t) => {
  const { url, pool } = await createDatabase(t)
  const user = await addUser(pool)
  const notified = await listenForKeys(t, url)

  const ids = await addKeys(pool, user, 3)
  t.strictSame(await notified(), [{ ids, clearNegative: true }])
})

t.test('an update of anything that a verdict depends on names the keys that changed', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [first = 0, second = 0] = await addKeys(pool, await addUser(pool), 2)
  const notified = await listenForKeys(t, url)

  const updates: [assignment: string, clearNegative: boolean][] = [
    ['is_active = false', false],
    ['revoked_at = now()', false],
    ['expires_at = now()', false],
    ["scopes = '{a}'", false],
    ["name = 'other'", false],
    ["key_hash = 'other'", true],
    ["key_prefix = 'sk_live_othr'", true],
    ["environment = 'test'", true],
    ["revoked_at = null, key_hash = 'third', last_used_at = now()", true],
  ]
  for (const [assignment, clearNegative] of updates) {
    await pool.query(`update api_keys set ${assignment} where id = $1`, [first])
    t.strictSame(await notified(), [{ ids: [first], clearNegative }], assignment)
  }

  await pool.query('update api_keys set is_active = $2 where id = any($1)', [[first, second], false])
  t.strictSame(await notified(), [{ ids: [second], clearNegative: false }], 'a row that stays the same is not named')

  await pool.query('update api_keys set id = 1000 where id = $1', [first])
  const [moved] = await notified()
  t.match(moved, { clearNegative: true })
  t.same(new Set((moved as { ids: number[] }).ids), new Set([first, 1000]), 'a changed id is named before and after')
})

t.test('bookkeeping notifies nobody', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [id] = await addKeys(pool, await addUser(pool), 2)
  const notified = await listenForKeys(t, url)

  await pool.query('update api_keys set last_used_at = now()')
  await pool.query("update api_keys set key_lookup = 'digest', pepper_id = 'p' where id = $1", [id])
  await pool.query('update api_keys set name = name')
  await pool.query('update api_keys set is_active = false where id = -1')
  await pool.query('delete from api_keys where id = -1')
  t.strictSame(await notified(), [])
})

t.test('a delete names its keys, also when their user goes', async (t) => {
  const { url, pool } = await createDatabase(t)
  const user = await addUser(pool)
  const [first, second, third] = await addKeys(pool, user, 3)
  const notified = await listenForKeys(t, url)

  await pool.query('delete from api_keys where id = $1', [first])
  t.strictSame(await notified(), [{ ids: [first], clearNegative: false }])

  await pool.query('delete from auth.users where id = $1', [user])
  t.strictSame(await notified(), [{ ids: [second, third], clearNegative: false }])
})

t.test('more than 100 keys, and TRUNCATE, mean all', async (t) => {
  const { url, pool } = await createDatabase(t)
  const notified = await listenForKeys(t, url)

  const ids = await addKeys(pool, await addUser(pool), 101)
  t.strictSame(await notified(), [{ all: true }])

  await pool.query('update api_keys set is_active = false where id = any($1)', [ids.slice(1)])
  t.match(await notified(), [{ ids: { length: 100 }, clearNegative: false }])

  await pool.query('update api_keys set is_active = not is_active')
  t.strictSame(await notified(), [{ all: true }], 'a bulk update is one notification')

  await pool.query('truncate api_keys cascade')
  t.strictSame(await notified(), [{ all: true }])
})

t.test('100 ids of the largest kind fit into a payload', async (t) => {
  const { url, pool } = await createDatabase(t)
  const user = await addUser(pool)
  await pool.query('alter table api_keys alter column id type bigint')
  const notified = await listenForKeys(t, url)

  await pool.query(`
    insert into api_keys (id, user_id, key_hash, key_prefix, name)
    select 9223372036854775807 - n, $1, 'h', 'p', 'n' from generate_series(1, 100) as n`, [user])
  t.match(await notified(), [{ ids: { length: 100 }, clearNegative: true }])
})

t.test('a rolled back change notifies nobody', async (t) => {
  const { url, pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool))
  const notified = await listenForKeys(t, url)

  await pool.query('begin; update api_keys set is_active = false; rollback')
  t.strictSame(await notified(), [])
})

t.test('session_replication_role does not silence the triggers', async (t) => {
  const { url, pool } = await createDatabase(t)
  const ids = await addKeys(pool, await addUser(pool))
  const notified = await listenForKeys(t, url)

  await pool.query('begin; set local session_replication_role = replica; update api_keys set is_active = false; commit')
  t.strictSame(await notified(), [{ ids, clearNegative: false }])
})
