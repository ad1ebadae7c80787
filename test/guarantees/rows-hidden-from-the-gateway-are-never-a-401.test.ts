import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { type Front, startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { createRole, gatewayGrants } from '../support/role.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

const stranger = () => generateKey({ brand: 'sk', environment: 'live' })
const shownAll = (role: string) => `
  create policy gateway on api_keys to ${role} using (true);
  create policy gateway on api_key_usage to ${role} using (true);
  create policy gateway on latchkey.usage_batches to ${role} using (true);
  create policy gateway on latchkey.earlier_secrets to ${role} using (true);
  create policy gateway on latchkey.usage_hourly to ${role} using (true);
  create policy gateway on latchkey.usage_daily to ${role} using (true);
  create policy gateway on latchkey.usage_rollup to ${role} using (true);
  create policy gateway on latchkey.installation to ${role} using (true);`

t.test('a role that row-level security shows nothing is never ready, and answers 503', async t => {
  const { gateway, key, use } = await start(t, { policies: () => '', awaitsReady: false })
  await until(() => gateway.logs.some(line => /Row-level security hides rows of api_keys/.test(line)), 'the log says why')
  t.equal((await send(`${gateway.url}/-/ready`)).status, 503)
  for (const asked of [key, stranger()]) t.match(await use(asked), { status: 503, code: 'key_store_unavailable' })
  t.equal((await use('sk_live_junk')).code, 'invalid_key', 'what cannot be a key needs no database')
})

t.test('a role with a policy that shows every row works, until another policy comes', async t => {
  const { gateway, key, use, role } = await start(t, { policies: shownAll })
  t.equal((await use(key)).status, 200)
  t.equal((await use(stranger())).code, 'invalid_key')
  await usageRows(gateway, '/', 1)

  const { pool } = gateway.database
  const { key: unused, apiKey: { id } } = await gateway.createKey({ scopes: ['all:use'] })
  for (const policies of [
    'alter policy gateway on api_keys using (false)',
    `alter policy gateway on api_keys using (true); create policy narrow on api_keys as restrictive to ${role} using (id < 0)`,
    'drop policy narrow on api_keys; drop policy gateway on api_keys',
  ]) {
    await pool.query(policies)
    t.match(await use(stranger()), { status: 503, code: 'key_store_unavailable' }, policies)
    t.match(await use(unused), { status: 503, code: 'key_store_unavailable' })
    t.match(await use(key), { status: 200 }, 'a key that is known goes on', { logs: gateway.logs.slice(-100) })
    // Told of a change, the gateway asks again; the row can't be seen, which says nothing.
    await pool.query("update api_keys set name = name || '.' where id = $1", [id])
  }
  t.equal((await scrape(gateway.adminUrl)).get('latchkey_key_store_up'), 0)
  await until(() => gateway.logs.some(line => /Row-level security hides rows.*usage could not be written/.test(line)), 'usage waits')
  t.equal((await scrape(gateway.adminUrl)).get('latchkey_usage_rows_total{result="dropped"}'), 0)

  await pool.query(`create policy gateway on api_keys to ${role} using (true)`)
  t.equal((await use(stranger())).code, 'invalid_key')
  t.equal((await use(unused)).status, 200)
  await usageRows(gateway, '/', 5)
})

t.test('a role that is shown every key, but not their earlier secrets', async t => {
  const { gateway, key, keyId, use } = await start(t, { policies: shownAll })
  const { manager, database: { pool } } = gateway
  const rotated = await manager.rotate(keyId)
  await until(async () => (await use(key)).headers['deprecation'] !== undefined, 'the gateway has heard of the rotation')
  const { key: otherKey, apiKey: other } = await gateway.createKey({ scopes: ['all:use'] })
  t.equal((await use(otherKey)).status, 200)

  await pool.query('alter policy gateway on latchkey.earlier_secrets using (false)')
  t.match(await use(stranger()), { status: 503, code: 'key_store_unavailable' })
  const { key: otherNewKey } = await manager.rotate(other.id)
  await until(async () => (await use(otherKey)).status === 503, 'a secret that was replaced may be in its grace')
  t.equal((await use(rotated.key)).status, 200)
  t.equal((await use(otherNewKey)).status, 200)
  t.equal((await use(key)).status, 200, 'an earlier secret that is known goes on')

  await pool.query('alter policy gateway on latchkey.earlier_secrets using (true)')
  await until(async () => (await use(otherKey)).status === 200, 'every row is shown again')
  t.equal((await use(stranger())).code, 'invalid_key')
})

t.test('the owner, once row-level security is forced on it', async t => {
  const { gateway, key, use } = await start(t, { policies: () => '', isOwner: true })
  t.equal((await use(key)).status, 200)
  t.equal((await use(stranger())).code, 'invalid_key')
  await gateway.database.pool.query('alter table api_keys force row level security')
  t.match(await use(stranger()), { status: 503, code: 'key_store_unavailable' })
  await gateway.database.pool.query('alter table api_keys no force row level security')
  t.equal((await use(stranger())).code, 'invalid_key')
})

interface Setting {
  readonly policies: (role: string) => string
  readonly isOwner?: boolean
  readonly awaitsReady?: boolean
}

async function start (t: Parameters<typeof startFront>[0], { policies, isOwner = false, awaitsReady = true }: Setting): Promise<Front & { role: string, use: (key: string) => ReturnType<typeof send> }> {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  await database.pool.query(gatewayGrants(role.name) + policies(role.name))
  if (isOwner) {
    await database.pool.query(`alter table api_keys owner to ${role.name}; alter table api_key_usage owner to ${role.name}; alter table latchkey.usage_batches owner to ${role.name}; alter table latchkey.earlier_secrets owner to ${role.name}`)
  }
  const upstream = await startUpstream(t)
  // Migrations and LISTEN go as another role, which sees the rows.
  const front = await startFront(t, upstream.url, { database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url }, awaitsReady })
  return { ...front, role: role.name, use: key => send(front.url, { headers: { 'x-api-key': key } }) }
}
