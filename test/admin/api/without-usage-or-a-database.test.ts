import t from 'tap'
import { createDatabase } from '../../support/postgres.ts'
import { createRole, gatewayGrants } from '../../support/role.ts'
import { send } from '../../support/http.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'
import { operations, pathOf } from './document.ts'
import { config, startApi, tokenOf } from './support.ts'

t.test('without a record of usage, whoever asks for it is told so', async t => {
  const api = await startApi(t, { config: `usage: { store: none }\n${config}` })
  const { apiKey } = await api.create()
  for (const path of [`/v1/keys/${apiKey.id}/usage`, '/v1/usage/summary', '/v1/usage/export']) {
    t.match(await api.call('GET', path), { status: 409, code: 'usage_not_recorded' }, path)
  }
  t.equal((await api.call('GET', '/v1/gateway')).body.usageStore, 'none')
})

t.test('while the database is away, what needs it is a 503 and the rest goes on', async t => {
  const database = await createDatabase(t)
  const { hostname, port } = new URL(database.url)
  const proxy = new TcpProxy(hostname, Number(port))
  await proxy.listen()
  t.teardown(() => proxy.cut())
  const api = await startApi(t, { database, databaseUrl: proxy.through(database.url) })
  const { apiKey } = await api.create()
  const token = await tokenOf(api, 'read')
  await proxy.cut()

  const bodies: Record<string, unknown> = { createKey: { userId: 'ada@example.com', name: 'x', scopes: [] }, updateKey: { name: 'two' }, explain: { method: 'GET', path: '/', keyId: apiKey.id }, importKeys: { rows: [{ userId: apiKey.userId, name: 'x', scopes: [], keyHash: `$2b$10$${'a'.repeat(53)}`, keyPrefix: 'sk_live_abcd' }] } }
  const needsNone = ['getToken', 'getGateway', 'listRoutes']
  for (const operation of operations) {
    const body = bodies[operation.operationId]
    const { status, code, headers } = await api.call(operation.method, pathOf(operation, apiKey.id), body === undefined ? {} : { body })
    if (needsNone.includes(operation.operationId)) t.equal(status, 200, operation.operationId)
    else {
      t.same([status, code], [503, 'key_store_unavailable'], operation.operationId)
      t.equal(headers['retry-after'], '1')
    }
  }
  t.match(await api.call('GET', '/v1/token', { token }), { status: 503, code: 'key_store_unavailable' }, 'named tokens can not be told from wrong ones')
  t.match(await api.call('POST', '/v1/explain', { body: { method: 'GET', path: '/status' } }), { status: 200, body: { status: null, routeId: 'status' } }, 'a question without a key needs no database')
  for (const path of ['/', '/healthz', '/openapi.json', '/docs', '/metrics']) t.equal((await send(api.url + path)).status, 200, path)
  t.same(api.errorsLogged().filter(line => line.includes('admin')), [])

  await proxy.listen()
  await until(async () => (await send(`${api.url}/v1/keys`, { headers: { authorization: `Bearer ${token}` } })).status === 200, 'the API is back')
  t.match((await api.call('GET', `/v1/keys/${apiKey.id}`)).body, apiKey, 'nothing was changed meanwhile')
})

t.test('what row-level security hides is not told as nothing', async t => {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  await database.pool.query(`${gatewayGrants(role.name)} grant select on latchkey.audit to ${role.name}`)
  // Migrations and LISTEN go as another role, which sees the rows.
  const api = await startApi(t, { database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url }, awaitsReady: false })
  for (const path of ['/v1/keys', '/v1/audit', '/v1/usage/summary', '/v1/usage/export', '/v1/usage/export?format=csv']) {
    t.match(await api.call('GET', path), { status: 503, code: 'key_store_unavailable', headers: { 'retry-after': '1' } }, path)
  }
})

t.test('a database role that may not change keys is told where to look, and changes none', async t => {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  // Policies, as a role without BYPASSRLS needs them to see the rows.
  await database.pool.query(`${gatewayGrants(role.name)}
    create policy seen on public.api_keys to ${role.name} using (true);
    create policy seen on latchkey.earlier_secrets to ${role.name} using (true)`)
  const api = await startApi(t, { database, databaseUrl: role.url, environment: { databaseDirectUrl: database.url }, awaitsReady: false })
  const { rows: [apiKey] } = await database.pool.query<{ id: number, name: string }>(`
    with made as (insert into auth.users (email) values ('ada@example.com') returning id)
    insert into api_keys (user_id, key_hash, key_prefix, name) select id, '$2b$04$a', 'sk_live_abcd', 'one' from made returning id, name`)
  for (const [method, path, body] of [['PATCH', '', { name: 'two' }], ['POST', '/revoke'], ['DELETE', '']] as const) {
    const answer = await api.call(method, `/v1/keys/${apiKey!.id}${path}`, body === undefined ? {} : { body })
    t.match(answer, { status: 500, code: 'internal_error', body: { detail: /latchkey doctor/ } }, `${method} ${path}`)
  }
  t.match((await api.call('GET', `/v1/keys/${apiKey!.id}`)).body, { name: apiKey!.name, status: 'active', userEmail: null }, 'its user is not for this role to read')
})
