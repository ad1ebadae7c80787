import t from 'tap'
import { TokenManager } from '../../../src/tokens/manager.ts'
import { sendRaw } from '../../support/http.ts'
import { operations, pathOf } from './document.ts'
import { type Api, startApi, tokenOf } from './support.ts'

const api = await startApi(t)
const { pool } = api.gateway.database
const { apiKey } = await api.create()
const reader = await tokenOf(api, 'read')

t.test('of the operations, a read token is refused those that need the right write, and no other', async t => {
  for (const operation of operations) {
    const isWrite = operation['x-latchkey-rights'] === 'write'
    const { status, code } = await api.call(operation.method, pathOf(operation, apiKey.id), { token: reader, ...operation.operationId === 'explain' ? { body: { method: 'GET', path: '/' } } : {} })
    t.same([status, code], isWrite ? [403, 'read_only_token'] : [200, undefined], operation.operationId)
  }
  t.match((await api.call('GET', `/v1/keys/${apiKey.id}`)).body, apiKey)
  t.same((await api.call('GET', '/v1/token', { token: reader })).body, { name: 'read', rights: 'read' })
})

t.test('every operation but those that only read needs the right write', async t => {
  t.same(operations.filter(operation => operation['x-latchkey-rights'] === 'read').map(({ method, path }) => `${method} ${path}`).sort(), [
    'GET /v1/audit', 'GET /v1/gateway', 'GET /v1/keys', 'GET /v1/keys/{id}', 'GET /v1/keys/{id}/usage', 'GET /v1/routes', 'GET /v1/token', 'GET /v1/usage/export', 'GET /v1/usage/summary', 'POST /v1/explain',
  ])
})

t.test('it is refused before the body is read', async t => {
  for (const operation of operations.filter(operation => operation['x-latchkey-rights'] === 'write')) {
    const answer = await sendRaw(api.url, `${operation.method} ${pathOf(operation)} HTTP/1.1\r\nHost: ${new URL(api.url).host}\r\nAuthorization: Bearer ${reader}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 403 .*"code":"read_only_token"/s, operation.operationId)
  }
})

t.test('a write token may do what the environment\'s may', async t => {
  const token = await tokenOf(api, 'write')
  const made = await api.call('POST', '/v1/keys', { token, body: { userId: 'ada@example.com', name: 'x', scopes: [] } })
  t.equal(made.status, 201)
  t.equal((await api.call('DELETE', made.headers['location'] as string, { token })).status, 204)
})

t.test('once it is revoked or has expired, a token opens nothing', async t => {
  let other = api
  const ended = [await tokenOf(api, 'write', 'to be revoked'), await tokenOf(api, 'write', 'to expire')]
  for (const token of ended) t.equal((await api.call('GET', '/v1/token', { token })).status, 200)
  await new TokenManager({ pool }).revoke('to be revoked')
  await pool.query("update latchkey.admin_tokens set expires_at = now() - interval '1 second' where name = 'to expire'")
  for (const token of ended) {
    for (const [i, operation] of operations.entries()) {
      const { status, code } = await (await unbudgeted(i)).call(operation.method, pathOf(operation, apiKey.id), { token, text: '' })
      t.same([status, code], [401, 'unauthorized'], operation.operationId)
    }
  }

  // A gateway answers twenty wrong tokens a minute, so that these take more than one.
  async function unbudgeted (i: number): Promise<Api> {
    if (i % 15 === 0) other = await startApi(t, { database: api.gateway.database })
    return other
  }
})
