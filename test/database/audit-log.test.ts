import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../src/database/migrate.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { type Actor, inChange } from '../../src/database/change.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { KeyStore } from '../../src/keys/store.ts'
import { createPool } from '../../src/database/pool.ts'
import { failureOf, keysConfig } from '../keys/support.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createRole } from '../support/role.ts'
import { addKeys, addUser } from './rows.ts'

const logger = pino({ level: 'silent' })
const bcryptPool = new BcryptPool({ queueMax: 100, logger })
t.teardown(async () => await bcryptPool.close())
const peppers = new Peppers([randomBytes(32)])
const managerOf = ({ pool }: Pick<TestDatabase, 'pool'>, actor?: Actor) => new KeyManager({ pool, peppers, bcrypt: bcryptPool, config: keysConfig, ...actor === undefined ? {} : { actor } })
const entriesIn = async ({ pool }: TestDatabase) => (await pool.query('select *, host(address) as address from latchkey.audit order by id')).rows
/** Those that came since the last call. */
const newEntriesOf = (database: TestDatabase) => {
  let lastId = '0'
  return async () => {
    const entries = (await entriesIn(database)).filter(({ id }) => BigInt(id) > BigInt(lastId))
    lastId = entries.at(-1)?.id ?? lastId
    return entries
  }
}
const token: Actor = { kind: 'token', name: 'ci', address: '192.0.2.7', requestId: 'r-1' }

t.test('every change by the manager has its entry: who, what, before and after', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const manager = managerOf(database, token)
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: ['a:b'], metadata: { team: 'x' } })
  const by = { actor_kind: 'token', actor_name: 'ci', address: '192.0.2.7', request_id: 'r-1' }
  const { rows: [{ role }] } = await database.pool.query('select session_user as role')
  const ofKey = { ...by, database_role: role, key_id: String(apiKey.id), key_name: 'one' }

  t.match(await since(), [{
    ...ofKey,
    action: 'key.created',
    key_prefix: apiKey.prefix,
    at: Date,
    before: null,
    after: { userId: apiKey.userId, prefix: apiKey.prefix, name: 'one', scopes: ['a:b'], environment: 'live', isActive: true, metadata: { team: 'x' } },
  }])
  const changed = async (action: string, change: Promise<unknown>, before: unknown, after: unknown) => {
    await change
    const entries = await since()
    t.match(entries, [{ ...ofKey, action }], action)
    t.match([entries[0].before, entries[0].after], [before, after], action)
    return entries[0]
  }
  const { before, after } = await changed('key.updated', manager.update(apiKey.id, { scopes: ['c'], description: 'why' }), { scopes: ['a:b'], description: null }, { scopes: ['c'], description: 'why' })
  t.strictSame([before, after], [{ scopes: ['a:b'], description: null }, { scopes: ['c'], description: 'why' }], 'nothing that is as it was')
  await changed('key.disabled', manager.disable(apiKey.id), { isActive: true }, { isActive: false })
  await changed('key.enabled', manager.enable(apiKey.id), { isActive: false }, { isActive: true })
  const rotation = manager.rotate(apiKey.id)
  const { apiKey: { prefix, earlierSecrets: [earlier] } } = await rotation
  const rotated = await changed('key.rotated', rotation, { prefix: apiKey.prefix }, { prefix, secret: 'replaced' })
  t.equal(Date.parse(rotated.after.graceEndsAt), earlier!.expiresAt.getTime())
  await changed('key.grace_ended', manager.endGrace(apiKey.id), { graceEndsAt: String, secretPrefix: apiKey.prefix }, null)
  await changed('key.rotated', manager.rotate(apiKey.id, { gracePeriodMs: 0 }), {}, { secret: 'replaced', graceEndsAt: null })
  await changed('key.revoked', manager.revoke(apiKey.id), { revokedAt: null, isActive: true }, { revokedAt: String, isActive: false })
  await changed('key.deleted', manager.delete(apiKey.id), { name: 'one', scopes: ['c'] }, null)
})

t.test('what changes nothing leaves no entry', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const manager = managerOf(database)
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  await manager.revoke(apiKey.id)
  t.equal((await since()).length, 2)
  await manager.revoke(apiKey.id)
  await manager.update(apiKey.id, {})
  await manager.update(apiKey.id, { name: 'one' })
  await manager.endGrace(apiKey.id)
  await database.pool.query('update api_keys set name = name, scopes = scopes; delete from api_keys where false; insert into api_keys select * from api_keys where false')
  t.strictSame(await since(), [])
})

t.test('use, digests and what the gateway writes beside leave none', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const manager = managerOf(database)
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  await manager.rotate(apiKey.id)
  await since()
  const pool = createPool({ connectionString: database.url, applicationName: 'test', connectionsMax: 1, queryTimeoutMs: 10_000, logger })
  t.teardown(async () => await pool.end())
  const { rows: [{ key_hash: keyHash }] } = await database.pool.query('select key_hash from api_keys')
  t.ok(await new KeyStore(pool).writeDigest({ id: apiKey.id, grace: null }, keyHash, randomBytes(32), 'p'))
  await database.pool.query("update api_keys set last_used_at = now(); update api_keys set key_lookup = null, pepper_id = null; update latchkey.earlier_secrets set last_used_at = now(), last_user_agent = 'curl', key_lookup = null")
  t.strictSame(await since(), [])
})

t.test('straight SQL leaves its entry too, by the database role', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const { rows: [{ role, address }] } = await pool.query('select session_user as role, host(inet_client_addr()) as address')
  const [id] = await addKeys(pool, await addUser(pool))
  const by = { actor_kind: 'database', actor_name: role, database_role: role, request_id: null, key_id: String(id) }
  t.match(await since(), [{ ...by, action: 'key.created', address }])
  await pool.query('insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at) select id, $1, key_prefix, now() + interval \'1 day\' from api_keys', ['old'])
  t.match(await since(), [{ ...by, action: 'key.grace_changed', before: null }])
  for (const [statement, action] of [
    ["update api_keys set name = 'two'", 'key.updated'],
    ['update api_keys set expires_at = now()', 'key.updated'],
    ['update api_keys set is_active = false', 'key.disabled'],
    ["update api_keys set is_active = true, name = 'three'", 'key.enabled'],
    ["update api_keys set key_hash = 'another'", 'key.rotated'],
    ["update api_keys set key_hash = 'third', revoked_at = now()", 'key.revoked'],
    ['update api_keys set revoked_at = null', 'key.updated'],
    ["update api_keys set latchkey_metadata = '{\"a\": 1}'", 'key.updated'],
    ["update latchkey.earlier_secrets set expires_at = expires_at + interval '1 hour'", 'key.grace_changed'],
    ['update latchkey.earlier_secrets set expires_at = now()', 'key.grace_ended'],
  ] as const) {
    await pool.query(statement)
    t.match(await since(), [{ ...by, action }], statement)
  }
  await pool.query('delete from latchkey.earlier_secrets')
  t.strictSame(await since(), [], 'what has ended already, cleared away')
  await pool.query('update api_keys set id = id + 100')
  t.match(await since(), [{ action: 'key.updated', key_id: String(id! + 100), before: { id: id! }, after: { id: id! + 100 } }])
  await pool.query('delete from api_keys')
  t.match(await since(), [{ action: 'key.deleted', key_id: String(id! + 100) }])
})

t.test('a grace that is deleted by hand has ended; one that goes with its key has not been ended by anybody', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const manager = managerOf(database)
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  await manager.rotate(apiKey.id)
  await since()
  await database.pool.query('delete from latchkey.earlier_secrets')
  t.match(await since(), [{ action: 'key.grace_ended', before: { secretPrefix: apiKey.prefix }, after: null }])
  await manager.rotate(apiKey.id)
  await since()
  await database.pool.query('delete from api_keys')
  t.match((await since()).map(({ action }) => action), ['key.deleted'])
})

t.test('bulk statements have an entry for each key, and TRUNCATE one', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const user = await addUser(pool)
  const ids = (await addKeys(pool, user, 500)).map(String)
  const keysOf = (entries: { key_id: string }[]) => entries.map(({ key_id: id }) => id).toSorted((one, other) => Number(one) - Number(other))
  t.strictSame(keysOf(await since()), ids)
  await pool.query("update api_keys set name = name || '!', last_used_at = now() where id % 2 = 0")
  const updates = await since()
  t.strictSame(keysOf(updates), ids.filter(id => Number(id) % 2 === 0))
  t.ok(updates.every(({ action, after }) => action === 'key.updated' && after.name.endsWith('!')))
  await pool.query('delete from auth.users where id = $1', [user])
  const deletions = await since()
  t.strictSame(keysOf(deletions), ids, 'also with their user')
  t.ok(deletions.every(({ action }) => action === 'key.deleted'))
  await addKeys(pool, await addUser(pool), 3)
  await since()
  await pool.query('truncate api_keys cascade')
  t.match(await since(), [{ action: 'keys.truncated', key_id: null, before: null, after: null }])
})

t.test('who it was: a token, the command line, or nobody but the role', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  for (const [actor, expected] of [
    [token, { actor_kind: 'token', actor_name: 'ci', address: '192.0.2.7', request_id: 'r-1' }],
    [{ kind: 'token', name: 'six', address: '2001:db8::7' }, { actor_name: 'six', address: '2001:db8::7', request_id: null }],
    [{ kind: 'command', name: 'ada' }, { actor_kind: 'command', actor_name: 'ada', request_id: null }],
    [undefined, { actor_kind: 'database', request_id: null }],
  ] as const) {
    await managerOf(database, actor).create({ user: 'ada@example.com', name: 'one', scopes: [] })
    t.match(await since(), [expected])
  }
  const one = managerOf(database)
  await one.as(token).create({ user: 'ada@example.com', name: 'one', scopes: [] })
  t.match(await since(), [{ actor_name: 'ci' }])
  await one.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  t.match(await since(), [{ actor_kind: 'database' }], 'the connection has forgotten the one before')
})

t.test('SET ROLE and SET SESSION AUTHORIZATION are seen', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const role = await createRole(t, database)
  await pool.query(`grant update on api_keys to ${role.name}; grant select on api_keys to ${role.name}; create policy writer on api_keys to ${role.name} using (true)`)
  await addKeys(pool, await addUser(pool))
  await since()
  const client = await pool.connect()
  try {
    for (const [i, before] of [`set role ${role.name}`, `set session authorization ${role.name}`].entries()) {
      await client.query(before)
      await client.query(`select set_config('latchkey.actor', '${JSON.stringify({ kind: 'token', name: 'postgres' })}', false)`)
      await client.query(`update api_keys set name = 'by ${i}'`)
      t.match(await since(), [{ actor_name: 'postgres', database_role: role.name }], before)
      await client.query('reset role; reset session authorization')
    }
  } finally {
    client.release(true)
  }
})

t.test('a role that may change keys and nothing else leaves its entry, and can write none', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const role = await createRole(t, database)
  await pool.query(`
    grant select, update (name), insert, delete on api_keys to ${role.name}; grant usage on sequence api_keys_id_seq to ${role.name};
    create policy writer on api_keys to ${role.name} using (true)`)
  const user = await addUser(pool)
  const own = new pg.Pool({ connectionString: role.url, max: 1 })
  own.on('error', () => {})
  t.teardown(async () => await own.end())
  await addKeys(own, user)
  await own.query("update api_keys set name = 'mine'")
  await own.query('delete from api_keys')
  t.match(await since(), ['key.created', 'key.updated', 'key.deleted'].map(action => ({ action, actor_kind: 'database', actor_name: role.name, database_role: role.name })))
  for (const statement of ['select from latchkey.audit', "insert into latchkey.audit (action, actor_kind, actor_name, database_role) values ('key.created', 'token', 'x', 'y')", 'delete from latchkey.audit', 'select latchkey.audit_key_rows()']) {
    await t.rejects(own.query(statement), { code: '42501' }, statement)
  }
})

t.test('session_replication_role = replica, which skips ordinary triggers, skips none of these', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const client = await database.pool.connect()
  try {
    await client.query('set session_replication_role = replica')
    const user = await addUser(database.pool)
    await client.query("insert into api_keys (user_id, key_hash, key_prefix, name) values ($1, 'h', 'p', 'n')", [user])
    await client.query("insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at) select id, 'o', 'p', now() + interval '1 day' from api_keys")
    await client.query("update api_keys set name = 'm'")
    await client.query('update latchkey.earlier_secrets set expires_at = now()')
    await client.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('t', 'p', 'h', 'read')")
    await client.query('delete from api_keys')
    await client.query('truncate api_keys cascade')
    t.strictSame((await since()).map(({ action }) => action), ['key.created', 'key.grace_changed', 'key.updated', 'key.grace_ended', 'token.created', 'key.deleted', 'keys.truncated', 'key.grace_ended'])
    await t.rejects(client.query('delete from latchkey.audit'), { code: '42501' })
  } finally {
    client.release(true)
  }
})

t.test('the log is append-only, for a superuser and for its owner', async t => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const owner = await createRole(t, { url, pool })
  await pool.query(`grant create on database ${new URL(url).pathname.slice(1)} to ${owner.name}; grant create, usage on schema public to ${owner.name}`)
  await migrateUp({ connectionString: owner.url, logger })
  const own = new pg.Pool({ connectionString: owner.url, max: 1 })
  own.on('error', () => {})
  t.teardown(async () => await own.end())
  await addKeys(own, await addUser(own), 2)
  for (const client of [own, pool]) {
    for (const statement of ['update latchkey.audit set actor_name = \'x\'', 'update latchkey.audit set id = default', 'delete from latchkey.audit where id = (select min(id) from latchkey.audit)', 'truncate latchkey.audit']) {
      await t.rejects(client.query(statement), { code: '42501', message: /append-only/ }, statement)
    }
  }
  const { rows } = await pool.query('select database_role from latchkey.audit')
  t.strictSame(rows, [{ database_role: owner.name }, { database_role: owner.name }])
})

t.test('no entry holds a secret, a hash or a digest', async t => {
  const database = await createDatabase(t)
  const { pool } = database
  const manager = managerOf(database, token)
  const { key, apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  const secrets: string[] = [key]
  const remember = async () => {
    const { rows } = await pool.query('select key_hash, key_lookup from api_keys union all select key_hash, key_lookup from latchkey.earlier_secrets union all select null, token_hash from latchkey.admin_tokens')
    secrets.push(...rows.flatMap(row => [row.key_hash ?? '', row.key_lookup?.toString('hex') ?? '', row.key_lookup?.toString('base64') ?? '']).filter(secret => secret !== ''))
  }
  await remember()
  secrets.push((await manager.rotate(apiKey.id)).key)
  await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('t', 'lk_abcd', sha256('secret'), 'write')")
  await remember()
  const hash = await bcrypt.hash('another', 4)
  await pool.query('update api_keys set key_hash = $1', [hash])
  await remember()
  await pool.query("update latchkey.admin_tokens set token_hash = sha256('other'), revoked_at = now()")
  await remember()
  await manager.endGrace(apiKey.id)
  await manager.delete(apiKey.id)
  await pool.query('delete from latchkey.admin_tokens')
  const { rows } = await pool.query('select a::text as text from latchkey.audit as a')
  t.equal(rows.length, 8)
  t.ok(new Set(secrets).size >= 10)
  const text = rows.map(row => row.text).join('\n')
  for (const secret of secrets) t.notOk(text.includes(secret.slice(12)))
})

t.test('a change that is rolled back leaves no entry, and one without its entry can’t be made', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const [id] = await addKeys(pool, await addUser(pool))
  await since()
  await t.rejects(inChange(pool, token, async client => {
    await client.query("update api_keys set name = 'two'")
    throw new Error('thought better of it')
  }), { message: 'thought better of it' })
  t.strictSame(await since(), [])
  await pool.query('alter table latchkey.audit add constraint nothing_more check (id < 0) not valid')
  for (const change of [() => managerOf(database).disable(id!), () => managerOf(database).delete(id!), () => pool.query("update api_keys set name = 'three'")]) {
    t.match(await failureOf(change()), { code: '23514', constraint: 'nothing_more' })
  }
  t.match((await pool.query('select name, is_active from api_keys')).rows, [{ name: 'key 1', is_active: true }])
})

t.test('garbage for an actor fails no change, and the database role is true whatever is claimed', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  const { rows: [{ role }] } = await pool.query('select session_user as role')
  await addKeys(pool, await addUser(pool))
  await since()
  let i = 0
  for (const [claim, expected] of [
    ['', 'database'], ['{', 'database'], ['null', 'database'], ['7', 'database'], ['"x"', 'database'], ['[]', 'database'], ['[{"kind":"token","name":"x"}]', 'database'], ['{}', 'database'],
    ['{"kind":"database","name":"postgres"}', 'database'], ['{"kind":"root","name":"x"}', 'database'], ['{"kind":"token"}', 'database'], ['{"kind":"token","name":""}', 'database'],
    ['{"kind":"token","name":null}', 'database'], ['{"kind":{"a":1},"name":"x"}', 'database'], ['{"kind":"token","name":"\\u0000"}', 'database'], ['{"kind":"token","name":"\\ud800"}', 'database'],
    ['['.repeat(200_000), 'database'], [`{"kind":"token","name":"x","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'database'], ['x'.repeat(1_000_000), 'database'],
    [`{"kind":"token","name":"${'x'.repeat(100_000)}","requestId":"${'y'.repeat(100_000)}"}`, 'token'],
    ['{"kind":"token","name":"x","databaseRole":"nobody","database_role":"nobody"}', 'token'],
    ['{"kind":"command","name":"x\'; drop table api_keys; --"}', 'command'],
    ['{"kind":"token","name":{"a":1},"address":null,"requestId":[1]}', 'token'],
    ['{"kind":"token","name":"x","address":"999.1.1.1"}', 'token'], ['{"kind":"token","name":"x","address":"fe80::1%eth0"}', 'token'], ['{"kind":"token","name":"x","address":""}', 'token'],
  ] as const) {
    const client = await pool.connect()
    try {
      await client.query("select set_config('latchkey.actor', $1, false)", [claim])
      await client.query('update api_keys set name = $1', [`name ${++i}`])
    } finally {
      client.release(true)
    }
    const [entry, ...others] = await since()
    t.match(entry, { action: 'key.updated', actor_kind: expected, database_role: role, ...expected === 'database' ? { actor_name: role } : {} }, claim.slice(0, 60))
    t.ok(entry.actor_name.length <= 255 && (entry.request_id ?? '').length <= 128)
    t.strictSame(others, [])
  }
})

t.test('tokens are logged as keys are, and their use is not', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const { pool } = database
  await inChange(pool, { kind: 'command', name: 'ada' }, async client => await client.query(
    "insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('ci', 'lk_abcd', 'h', 'write')"))
  const about = { token: 'ci', prefix: 'lk_abcd', rights: 'write' }
  const created = await since()
  t.match(created, [{ action: 'token.created', actor_kind: 'command', actor_name: 'ada', key_id: null, before: null, after: about }])
  for (const [statement, action] of [
    ["update latchkey.admin_tokens set rights = 'read'", 'token.updated'], ["update latchkey.admin_tokens set token_hash = 'i'", 'token.updated'],
    ['update latchkey.admin_tokens set revoked_at = now()', 'token.revoked'], ['delete from latchkey.admin_tokens', 'token.deleted'],
  ] as const) {
    await pool.query(statement)
    t.match(await since(), [{ action, actor_kind: 'database' }], statement)
  }
  await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('b', 'lk', 'j', 'read')")
  await since()
  await pool.query('update latchkey.admin_tokens set last_used_at = now()')
  t.strictSame(await since(), [])
})

t.test('no way to let a secret in beside the key\'s own goes without an entry', async t => {
  const database = await createDatabase(t)
  const since = newEntriesOf(database)
  const manager = managerOf(database)
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  await manager.rotate(apiKey.id)
  await manager.endGrace(apiKey.id)
  await since()
  const ofKey = { key_id: String(apiKey.id), actor_kind: 'database' }
  const planted = { graceEndsAt: String, secretPrefix: 'sk_live_zzzz' }
  const statements: [sql: string, entry: object][] = [
    ["update latchkey.earlier_secrets set expires_at = now() + interval '10 years'", { ...ofKey, action: 'key.grace_changed', before: null, after: { graceEndsAt: String, secretPrefix: apiKey.prefix } }],
    [`insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at) values (${apiKey.id}, 'another', 'sk_live_zzzz', now() + interval '1 year')`, { ...ofKey, action: 'key.grace_changed', before: null, after: planted }],
    ["update latchkey.earlier_secrets set key_hash = 'a third' where key_hash = 'another'", { ...ofKey, action: 'key.grace_changed', before: planted, after: { ...planted, secret: 'replaced' } }],
    ['truncate latchkey.earlier_secrets', { action: 'key.grace_ended', key_id: null, before: { ofKeys: 'all' } }],
    ["insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('planted', 'latchkey_admin_zzzz', '\\x00', 'write')", { action: 'token.created', after: { token: 'planted' } }],
    ["update latchkey.admin_tokens set token_hash = '\\x01'", { action: 'token.updated', after: { token: 'planted', secret: 'replaced' } }],
    ['truncate latchkey.admin_tokens', { action: 'token.deleted', before: { tokens: 'all' } }],
  ]
  for (const [statement, entry] of statements) {
    await database.pool.query(statement)
    t.match(await since(), [entry], statement)
  }
  await database.pool.query(`
    insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at) values (${apiKey.id}, 'ended', 'sk_live_zzzz', now());
    delete from latchkey.earlier_secrets`)
  t.strictSame(await since(), [], 'what has ended lets nobody in')
})
