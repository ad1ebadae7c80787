import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { createRole } from '../support/role.ts'
import { listenForKeys } from './listening.ts'
import { addKeys, addUser } from './rows.ts'

/** One earlier secret for each of these keys, by one statement. */
async function addSecrets (pool: pg.Pool, keyIds: readonly number[], endsIn = '1 hour'): Promise<void> {
  await pool.query(`
    insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at)
    select id, $2, 'sk_live_abcd', now() + $3::interval from unnest($1::int[]) as id`, [keyIds, randomBytes(8).toString('hex'), endsIn])
}

t.test('an insert names the keys, and clears the negative cache', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [first = 0, second = 0] = await addKeys(pool, await addUser(pool), 2)
  const notified = await listenForKeys(t, url)
  await addSecrets(pool, [first, first])
  t.strictSame(await notified(), [{ ids: [first], clearNegative: true }])
  await addSecrets(pool, [first, second])
  const [both] = await notified()
  t.strictSame((both as { ids: number[] }).ids.sort(), [first, second])
})

t.test('an update of anything that a verdict depends on names the keys', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [first = 0, second = 0] = await addKeys(pool, await addUser(pool), 2)
  await addSecrets(pool, [first])
  const notified = await listenForKeys(t, url)
  const updates: [assignment: string, clearNegative: boolean][] = [
    ['expires_at = now()', false],
    ["expires_at = now() + interval '1 day'", true],
    ["key_hash = 'other'", true],
    ["key_prefix = 'sk_live_othr'", true],
    ["expires_at = now(), last_used_at = now(), key_lookup = 'x'", false],
    ["created_at = now() - interval '1 day'", false],
  ]
  for (const [assignment, clearNegative] of updates) {
    await pool.query(`update latchkey.earlier_secrets set ${assignment}`)
    t.strictSame(await notified(), [{ ids: [first], clearNegative }], assignment)
  }
  await pool.query('update latchkey.earlier_secrets set api_key_id = $1', [second])
  const [moved] = await notified()
  t.match(moved, { clearNegative: true })
  t.same(new Set((moved as { ids: number[] }).ids), new Set([first, second]), 'both keys are named')
})

t.test('bookkeeping notifies nobody', async (t) => {
  const { url, pool } = await createDatabase(t)
  await addSecrets(pool, await addKeys(pool, await addUser(pool)))
  const notified = await listenForKeys(t, url)
  await pool.query("update latchkey.earlier_secrets set last_used_at = now(), last_user_agent = 'curl/8'")
  await pool.query("update latchkey.earlier_secrets set key_lookup = 'digest', pepper_id = 'p'")
  await pool.query('update latchkey.earlier_secrets set expires_at = expires_at')
  await pool.query('update latchkey.earlier_secrets set expires_at = now() where id = -1')
  await pool.query('delete from latchkey.earlier_secrets where id = -1')
  t.strictSame(await notified(), [])
})

t.test('a delete names the keys, but not for what had ended', async (t) => {
  const { url, pool } = await createDatabase(t)
  const user = await addUser(pool)
  const [first = 0, second = 0, third = 0] = await addKeys(pool, user, 3)
  await addSecrets(pool, [first, second])
  await addSecrets(pool, [third], '-1 hour')
  const notified = await listenForKeys(t, url)
  await pool.query('delete from latchkey.earlier_secrets where api_key_id = $1', [third])
  t.strictSame(await notified(), [], 'nobody could use it any more')
  await pool.query('delete from latchkey.earlier_secrets where api_key_id = $1', [first])
  t.strictSame(await notified(), [{ ids: [first], clearNegative: false }])
  await pool.query('delete from api_keys where id = $1', [second])
  t.strictSame(await notified(), [{ ids: [second], clearNegative: false }], 'with its key, once')
  await pool.query('delete from auth.users where id = $1', [user])
  t.match(await notified(), [{ ids: { length: 2 }, clearNegative: false }])
})

t.test('more than 100 keys, and TRUNCATE, mean all', async (t) => {
  const { url, pool } = await createDatabase(t)
  const ids = await addKeys(pool, await addUser(pool), 101)
  const notified = await listenForKeys(t, url)
  await addSecrets(pool, ids)
  t.strictSame(await notified(), [{ all: true }])
  await pool.query('update latchkey.earlier_secrets set expires_at = now() where api_key_id = any($1)', [ids.slice(1)])
  t.match(await notified(), [{ ids: { length: 100 }, clearNegative: false }])
  await pool.query("update latchkey.earlier_secrets set expires_at = now() + interval '1 hour'")
  t.strictSame(await notified(), [{ all: true }])
  await pool.query('delete from latchkey.earlier_secrets')
  t.strictSame(await notified(), [{ all: true }])
  await pool.query('truncate latchkey.earlier_secrets')
  t.strictSame(await notified(), [{ all: true }])
})

t.test('a rotation is one notification', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [id = 0] = await addKeys(pool, await addUser(pool))
  const notified = await listenForKeys(t, url)
  await pool.query(`
    begin;
    insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at)
    select id, key_hash, key_prefix, now() + interval '1 hour' from api_keys;
    update api_keys set key_hash = 'new';
    commit`)
  t.strictSame(await notified(), [{ ids: [id], clearNegative: true }])
})

t.test('nothing silences it, and whoever changes the rows needs no further right', async (t) => {
  const database = await createDatabase(t)
  const { url, pool } = database
  const [id = 0] = await addKeys(pool, await addUser(pool))
  await addSecrets(pool, [id])
  const notified = await listenForKeys(t, url)
  await pool.query('begin; set local session_replication_role = replica; update latchkey.earlier_secrets set expires_at = now(); commit')
  t.strictSame(await notified(), [{ ids: [id], clearNegative: false }])

  const role = await createRole(t, database)
  await pool.query(`
    grant usage on schema latchkey to ${role.name};
    grant select, insert, update, delete on latchkey.earlier_secrets to ${role.name};
    create policy writer on latchkey.earlier_secrets to ${role.name} using (true)`)
  const client = await pool.connect()
  try {
    await client.query(`set role ${role.name}`)
    await client.query("update latchkey.earlier_secrets set expires_at = now() + interval '1 hour'")
    t.strictSame(await notified(), [{ ids: [id], clearNegative: true }])
    await client.query('delete from latchkey.earlier_secrets')
    t.strictSame(await notified(), [{ ids: [id], clearNegative: false }])
  } finally {
    await client.query('reset role')
    client.release()
  }
})
