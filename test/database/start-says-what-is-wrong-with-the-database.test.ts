import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createRole, gatewayGrants } from '../support/role.ts'
import { until } from '../support/until.ts'
import { withWrongClock } from './wrong-clock.ts'

const config = 'upstreams: { u: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /, upstream: u }]\n'

t.test('nothing, where all is well', async t => {
  const gateway = await startGateway(t, { config })
  await gateway.createKey()
  await until(() => gateway.logs.some(line => line.includes('ready: the key store was reached')), 'ready')
  await gateway.close()
  t.strictSame(complaints(gateway), [])
})

t.test('triggers, indexes, peppers and the clock, each with what to do', async t => {
  const database = await createDatabase(t)
  const { pool } = database
  await pool.query(`
    alter table api_keys disable trigger latchkey_notify_delete;
    alter table api_keys enable trigger latchkey_notify_truncate;
    drop trigger latchkey_notify_insert on api_keys;
    create or replace function latchkey.notify_key_change() returns trigger language plpgsql as 'begin return null; end';
    drop index latchkey_api_keys_key_lookup;
    with ada as (insert into auth.users (email) values ('ada@example.com') returning id)
    insert into api_keys (user_id, key_hash, key_prefix, name, key_lookup, pepper_id)
    select id, 'x', 'sk_live_abcd', 'x', '\\x01', 'another' from ada`)
  const gateway = await startGateway(t, { config, database, databaseUrl: await withWrongClock(t, database.url, 40_000) })
  await says(t, gateway, [
    [50, /clock: the database is (39|40)\.\d s ahead of this machine/, /NTP/],
    [50, /trigger latchkey_notify_insert: is missing\. .*migrations\/016/, /migrate verify/],
    [50, /trigger latchkey_notify_update: calls .*, which was replaced by another function/, /migrate verify/],
    [50, /trigger latchkey_notify_delete: is disabled\. Run: alter table/, /migrate verify/],
    [50, /trigger latchkey_notify_truncate: is skipped .* session_replication_role/, /migrate verify/],
    [40, /index latchkey_api_keys_key_lookup: is missing/, /migrate verify/],
    [40, /peppers: 1 of the newest 1 digests/, /LATCHKEY_KEY_PEPPER/],
  ])
})

t.test('a clock that is a few seconds off is a warning', async t => {
  const database = await createDatabase(t)
  const gateway = await startGateway(t, { config, database, databaseUrl: await withWrongClock(t, database.url, -5_000) })
  await says(t, gateway, [[40, /clock: the database is [45]\.\d s behind this machine/, /NTP/]])
})

// Each takes one thing away from a role that has all it needs.
const missingRights: [revoke: (role: string) => string, told: RegExp, isReady: boolean, level?: number][] = [
  [role => `revoke select on api_keys from ${role}`, /SELECT ON public\.api_keys/, false],
  [role => `revoke select on api_keys from ${role}; grant select (id, key_hash) on api_keys to ${role}`, /SELECT ON public\.api_keys/, true],
  [role => `revoke update (key_lookup) on api_keys from ${role}`, /UPDATE ON public\.api_keys/, true],
  [role => `revoke select on latchkey.earlier_secrets from ${role}`, /SELECT ON latchkey\.earlier_secrets/, false],
  [role => `revoke update (last_used_at) on latchkey.earlier_secrets from ${role}`, /UPDATE ON latchkey\.earlier_secrets/, true],
  [role => `revoke insert on api_key_usage from ${role}`, /INSERT ON public\.api_key_usage/, true],
  [role => `revoke usage on sequence api_key_usage_id_seq from ${role}`, /USAGE ON SEQUENCE public\.api_key_usage_id_seq/, true],
  [role => `revoke delete on latchkey.usage_batches from ${role}`, /DELETE ON latchkey\.usage_batches/, true],
  [role => `revoke execute on function latchkey.make_usage_partitions(integer) from ${role}`, /EXECUTE ON FUNCTION latchkey\.make_usage_partitions\(months_ahead integer\)/, true, 40],
  [role => `revoke usage on schema latchkey from ${role}`, /USAGE ON SCHEMA latchkey/, false],
  [() => 'revoke usage on schema public from public', /USAGE ON SCHEMA public/, false],
]

t.test('rights that the role of DATABASE_URL lacks, with the GRANT', async t => {
  await Promise.all(missingRights.map(async ([revoke, told, isReady, level = 50]) => {
    const { database, role } = await databaseWithRole(t)
    await database.pool.query(`revoke usage on schema public from ${role.name}; ${revoke(role.name)}`)
    const gateway = await startGateway(t, { config, database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url }, awaitsReady: isReady })
    await until(() => complaints(gateway).length > 0, 'it complains')
    const [complaint] = complaints(gateway)
    t.match(complaint, { level, msg: told, remedy: new RegExp(`GRANT ${told.source} TO "${role.name}"`) })
    t.equal(complaints(gateway).length, 1)
    t.equal(gateway.server.isReady(), isReady)
  }))
})

t.test('earlier secrets of keys that row-level security hides from the role', async t => {
  const { database, role } = await databaseWithRole(t)
  const { rows: [policy] } = await database.pool.query("select policyname as name from pg_policies where tablename = 'earlier_secrets'")
  await database.pool.query(`drop policy ${policy.name} on latchkey.earlier_secrets`)
  const gateway = await startGateway(t, { config, database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url }, awaitsReady: false })
  await says(t, gateway, [[50, /rows visible to this role: .*: SELECT, UPDATE on latchkey\.earlier_secrets\. /, /migrate verify/]])
  t.notOk(gateway.server.isReady())
})

t.test('a role that has just what the gateway needs, column by column', async t => {
  const { database, role } = await databaseWithRole(t)
  await database.pool.query(`
    revoke all on api_keys, api_key_usage, latchkey.earlier_secrets from ${role.name};
    grant select (id, api_key_id, key_hash, key_prefix, key_lookup, pepper_id, expires_at, created_at, last_used_at),
      update (key_lookup, pepper_id, last_used_at, last_user_agent) on latchkey.earlier_secrets to ${role.name};
    grant select (id, user_id, key_hash, key_prefix, name, scopes, environment, is_active, revoked_at, expires_at,
      last_used_at, key_lookup, pepper_id), update (last_used_at, key_lookup, pepper_id) on api_keys to ${role.name};
    grant select (id, api_key_id, status_code, response_time_ms, created_at, route, request_bytes, response_bytes), insert (api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms,
      created_at, route, request_id, request_bytes, response_bytes) on api_key_usage to ${role.name}`)
  const gateway = await startGateway(t, { config, database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url } })
  const { key, apiKey } = await gateway.createKey()
  t.equal((await fetch(gateway.url, { headers: { 'x-api-key': key } })).status, 502, 'the key is admitted; nobody listens behind')
  await until(async () => (await database.pool.query('select from api_keys where id = $1 and last_used_at is not null', [apiKey.id])).rowCount === 1, 'its use is written')
  const { key: present } = await gateway.manager.rotate(apiKey.id)
  await until(async () => (await fetch(gateway.url, { headers: { 'x-api-key': key } })).headers.has('deprecation'), 'the secret that was replaced goes on')
  t.equal((await fetch(gateway.url, { headers: { 'x-api-key': present } })).status, 502)
  await until(async () => (await database.pool.query('select from latchkey.earlier_secrets where last_used_at is not null')).rowCount === 1, 'its use is written')
  t.strictSame(complaints(gateway), [])
})

async function databaseWithRole (t: Test): Promise<{ database: TestDatabase, role: { name: string, url: string } }> {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  await database.pool.query(gatewayGrants(role.name) + ['api_keys', 'api_key_usage', 'latchkey.usage_batches', 'latchkey.earlier_secrets', 'latchkey.usage_hourly', 'latchkey.usage_daily', 'latchkey.usage_rollup', 'latchkey.installation']
    .map(table => `create policy p_${randomBytes(3).toString('hex')} on ${table} to ${role.name} using (true);`).join(''))
  return { database, role }
}

interface Complaint { readonly level: number, readonly msg: string, readonly remedy: string }

function complaints ({ logs }: TestGateway): Complaint[] {
  return logs.map(line => JSON.parse(line)).filter(({ msg }) => /^The database is not as it should be|could not be examined/.test(msg))
}

async function says (t: Test, gateway: TestGateway, expected: [level: number, msg: RegExp, remedy: RegExp][]): Promise<void> {
  await until(() => complaints(gateway).length >= expected.length, 'it complains')
  const said = complaints(gateway)
  t.equal(said.length, expected.length)
  for (const [level, msg, remedy] of expected) t.ok(said.some(line => line.level === level && msg.test(line.msg) && remedy.test(line.remedy)), String(msg))
}
