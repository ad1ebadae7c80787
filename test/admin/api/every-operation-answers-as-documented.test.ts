import t from 'tap'
import { operations } from './document.ts'
import { adminToken, type ApiAnswer, startApi } from './support.ts'

const api = await startApi(t)
const { database } = api.gateway
const answered = new Set<string>()

/** That the answer is as documented, `call` sees to. */
async function ask (id: string, path: string, options: Parameters<typeof api.call>[2] = {}): Promise<ApiAnswer> {
  answered.add(id)
  return await api.call(operations.find(operation => operation.operationId === id)!.method, path, options)
}

t.test('the token and the gateway', async t => {
  t.match(await ask('getToken', '/v1/token'), { status: 200, body: { name: 'LATCHKEY_ADMIN_TOKEN', rights: 'write' } })
  t.match(await ask('getGateway', '/v1/gateway'), {
    status: 200,
    body: { version: '0.0.0-test', gatewayUrl: api.gateway.url, keyHeader: 'x-api-key', brand: 'sk', environments: ['live', 'test'], usageStore: 'postgres', isReady: true },
  })
})

t.test('a key is made, read, changed, ended and deleted', async t => {
  const before = Date.now()
  const made = await ask('createKey', '/v1/keys', {
    body: { userId: 'Ada@example.com', name: ' Reports ', scopes: ['inventory:read', 'tickets:*', 'inventory:read'], description: 'of the night', environment: 'test', expiresIn: '90d', metadata: { plan: 'free', seats: [1, null] } },
  })
  const { key, apiKey } = made.body
  t.equal(made.status, 201)
  t.match(key, /^sk_test_[0-9A-Za-z]{38}$/)
  t.match(apiKey, {
    prefix: key.slice(0, 12), name: 'Reports', description: 'of the night', scopes: ['inventory:read', 'tickets:*'], environment: 'test', status: 'active', metadata: { plan: 'free', seats: [1, null] }, lastUsedAt: null, revokedAt: null, earlierSecrets: [],
  })
  t.ok(Math.abs(Date.parse(apiKey.expiresAt) - before - 90 * 86_400_000) < 60_000)
  t.ok(Math.abs(Date.parse(apiKey.createdAt) - before) < 60_000)
  const { rows: [user] } = await database.pool.query('select email from auth.users where id = $1', [apiKey.userId])
  t.equal(user.email, 'Ada@example.com')

  const path = `/v1/keys/${apiKey.id}`
  t.equal(made.headers['location'], path)
  t.match(await ask('getKey', path), { status: 200, body: apiKey, eTag: made.eTag })
  t.match(await ask('listKeys', '/v1/keys'), { status: 200, body: { data: [apiKey], nextCursor: null } })

  const changed = await ask('updateKey', path, { body: { name: 'Night', description: null, scopes: [], expiresAt: null, metadata: {} } })
  const expected = { ...apiKey, name: 'Night', description: null, scopes: [], expiresAt: null, metadata: {} }
  t.equal(changed.status, 200)
  t.same(changed.body, expected)
  t.not(changed.eTag, made.eTag)
  t.same((await ask('updateKey', path, { body: { expiresAt: '2099-12-31T23:00:00+01:00' } })).body, { ...expected, expiresAt: '2099-12-31T22:00:00.000Z' })

  t.match(await ask('disableKey', `${path}/disable`), { status: 200, body: { status: 'disabled' } })
  t.match(await ask('enableKey', `${path}/enable`), { status: 200, body: { status: 'active' } })
  const rotated = await ask('rotateKey', `${path}/rotate`, { body: { gracePeriod: '1h' } })
  t.equal(rotated.status, 200)
  t.not(rotated.body.key, key)
  t.match(rotated.body.apiKey, { id: apiKey.id, earlierSecrets: [{ prefix: apiKey.prefix, lastUsedAt: null, lastUserAgent: null }] })
  t.same((await ask('endGrace', `${path}/end-grace`)).body.earlierSecrets, [])
  t.match(await ask('revokeKey', `${path}/revoke`), { status: 200, body: { status: 'revoked', revokedAt: String } })
  t.match(await ask('enableKey', `${path}/enable`), { status: 409, code: 'key_is_revoked' })
  t.match(await ask('rotateKey', `${path}/rotate`), { status: 409, code: 'key_is_revoked' })

  t.match(await ask('getKeyUsage', `${path}/usage`), { status: 200, body: { bucket: 'hour', totals: { requests: 0, latencyMs: null } } })
  t.match(await ask('deleteKey', path), { status: 204, text: '' })
  t.match(await ask('getKey', path), { status: 404, code: 'key_not_found' })
  t.match(await ask('deleteKey', path), { status: 404, code: 'key_not_found' })
})

t.test('a key that has expired gets no new secret', async t => {
  const { apiKey } = await api.create()
  await database.pool.query("update api_keys set expires_at = now() - interval '1 hour' where id = $1", [apiKey.id])
  t.match(await ask('getKey', `/v1/keys/${apiKey.id}`), { body: { status: 'expired' } })
  t.match(await ask('rotateKey', `/v1/keys/${apiKey.id}/rotate`), { status: 409, code: 'key_has_expired' })
})

t.test('a hand-made row with nothing in it is a key, too', async t => {
  const { apiKey } = await api.create()
  await database.pool.query('update api_keys set description = null, environment = null, latchkey_metadata = null, expires_at = \'infinity\' where id = $1', [apiKey.id])
  t.match(await ask('getKey', `/v1/keys/${apiKey.id}`), { status: 200, body: { description: null, environment: null, metadata: {}, expiresAt: null, status: 'active' } })
  t.equal((await ask('listKeys', '/v1/keys?status=active')).body.data.length, 1)
})

t.test('usage, routes, verdicts and the log', async t => {
  t.match(await ask('getUsageSummary', '/v1/usage/summary'), { status: 200, body: { bucket: 'hour', keys: [], routes: [], errors: [], refusals: [] } })
  t.match(await ask('exportUsage', '/v1/usage/export'), { status: 200, text: '', headers: { 'content-type': 'application/x-ndjson' } })
  t.match(await ask('exportUsage', '/v1/usage/export?format=csv'), { status: 200, text: /^id,createdAt,.*\r\n$/, headers: { 'content-type': /^text\/csv/ } })
  t.match(await ask('listRoutes', '/v1/routes'), { status: 200, body: { data: [{ id: 'read-inventory' }, { id: 'status', auth: 'none' }], scopes: [{ scope: 'inventory:read', routes: ['read-inventory'] }] } })
  t.match(await ask('explain', '/v1/explain', { body: { method: 'GET', path: '/inventory/1' } }), { status: 200, body: { status: 401, code: 'missing_key', routeId: 'read-inventory', key: null } })
  t.match(await ask('listAudit', '/v1/audit?limit=1'), { status: 200, body: { data: [{ action: String }], nextCursor: String } })
})

t.test('an import', async t => {
  const { status } = await ask('importKeys', '/v1/keys/import', { body: { rows: [] } })
  t.equal(status, 200)
})

t.test('HEAD answers as GET does, without the body', async t => {
  const { apiKey } = await api.create()
  for (const { method, path } of operations) {
    if (method !== 'GET') continue
    const asked = path.replace('{id}', String(apiKey.id))
    const [get, head] = [await api.call('GET', asked), await api.call('HEAD', asked)]
    t.same([head.status, head.text, head.headers['content-type'], head.headers['etag']], [get.status, '', get.headers['content-type'], get.headers['etag']], asked)
  }
})

t.test('no operation was left out', async t => {
  t.same(operations.map(({ operationId }) => operationId).filter(id => !answered.has(id)), [])
})

t.test('no answer is kept by anybody, nor taken for something else', async t => {
  const { headers } = await api.call('GET', '/v1/keys')
  t.match(headers, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'content-type': 'application/json' })
  t.notMatch(api.gateway.logs.join(''), adminToken)
  t.same(api.errorsLogged(), [])
})
