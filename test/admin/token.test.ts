import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { authenticate } from '../../src/admin/authenticate.ts'
import type { Caller } from '../../src/admin/caller.ts'
import { createPool } from '../../src/database/pool.ts'
import { FailureBudget } from '../../src/limits/failure-budget.ts'
import { generateToken } from '../../src/tokens/format.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { TokenStore } from '../../src/tokens/token-store.ts'
import { TokenVerifier } from '../../src/tokens/verifier.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { adminToken, isProblem, startAdmin } from './support.ts'

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

t.test('without a token configured, the API is closed to everybody', async (t) => {
  const { url: databaseUrl } = await createDatabase(t)
  const { url } = await startAdmin(t, { environmentToken: null, databaseUrl })
  for (const path of ['/v1', '/v1/', '/v1/keys', '/v1/nothing']) {
    await isProblem(t, await fetch(`${url}${path}`, { headers: { authorization: 'Bearer undefined' } }), 403, 'admin_disabled')
    await isProblem(t, await fetch(`${url}${path}`), 403, 'admin_disabled')
  }
})

t.test('the API needs the token, whatever is asked of it', async (t) => {
  const { url } = await startAdmin(t)
  const wrong = [undefined, '', 'Bearer', 'Bearer ', `Bearer ${adminToken}x`, `Bearer ${adminToken.slice(1)}`, `Basic ${adminToken}`, adminToken,
    `Bearer ${adminToken} ${adminToken}`, 'Bearer null']
  for (const authorization of wrong) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const response = await fetch(`${url}/v1/keys`, { method, headers: authorization === undefined ? {} : { authorization } })
      t.match(response.headers.get('www-authenticate'), /^Bearer /)
      await isProblem(t, response, 401, 'unauthorized')
    }
  }
  for (const path of ['/v1', '/v1/keys', '/v1/nothing']) t.equal((await fetch(`${url}${path}`, { method: 'HEAD' })).status, 401, `HEAD ${path}`)
})

t.test('the bearer of the token gets past it', async (t) => {
  const { url, log } = await startAdmin(t)
  for (const authorization of [`Bearer ${adminToken}`, `bearer ${adminToken}`]) {
    for (const path of ['/v1', '/v1/nothing']) {
      await isProblem(t, await fetch(`${url}${path}`, { headers: { authorization } }), 404, 'route_not_found')
    }
  }
  t.notMatch(log.join(''), adminToken)
})

t.test('so does the bearer of a named one, until it is revoked or has expired', async (t) => {
  const { url: databaseUrl, pool } = await createDatabase(t)
  const manager = new TokenManager({ pool })
  for (const environmentToken of [adminToken, null]) {
    const { url, log } = await startAdmin(t, { environmentToken, databaseUrl })
    const { token } = await manager.create({ name: randomUUID(), rights: 'write' })
    const { token: expiring, adminToken: { id } } = await manager.create({ name: randomUUID(), rights: 'read', expiresAt: new Date(Date.now() + 3_600_000) })
    for (const good of [token, expiring]) await isProblem(t, await fetch(`${url}/v1/nothing`, bearer(good)), 404, 'route_not_found')
    await manager.revoke(token)
    await pool.query('update latchkey.admin_tokens set expires_at = now() where id = $1', [id])
    for (const bad of [token, expiring]) {
      const response = await fetch(`${url}/v1/nothing`, bearer(bad))
      t.match(response.headers.get('www-authenticate'), /^Bearer /)
      await isProblem(t, response, 401, 'unauthorized')
    }
    for (const secret of [token, expiring]) t.notOk(log.join('').includes(secret.slice(19)))
  }
})

t.test('whoever guesses is told how long to wait, and locks out nobody who is known', async (t) => {
  const { url: databaseUrl, pool } = await createDatabase(t)
  const { url } = await startAdmin(t, { databaseUrl })
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  t.equal((await fetch(`${url}/v1/nothing`, bearer(token))).status, 404)
  const statuses = new Set<number>()
  for (let i = 0; i < 40 && !statuses.has(429); i++) statuses.add((await fetch(`${url}/v1/nothing`, bearer(generateToken()))).status)
  t.same([...statuses], [401, 429])
  const throttled = await fetch(`${url}/v1/nothing`, bearer(generateToken()))
  t.match(throttled.headers.get('retry-after'), /^[1-3]$/)
  t.match(await throttled.clone().text(), /Too many invalid tokens/)
  await isProblem(t, throttled, 429, 'too_many_failures')
  for (const known of [token, adminToken]) await isProblem(t, await fetch(`${url}/v1/nothing`, bearer(known)), 404, 'route_not_found')
})

t.test("with the database away, a named token can't be checked, and the environment's still opens the API", async (t) => {
  const { url: databaseUrl, pool } = await createDatabase(t)
  const proxy = await proxyTo(databaseUrl)
  t.teardown(() => proxy.close())
  const { url } = await startAdmin(t, { databaseUrl: proxy.through(databaseUrl) })
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  t.equal((await fetch(`${url}/v1/nothing`, bearer(token))).status, 404)
  await proxy.cut()
  for (const presented of [token, generateToken()]) {
    const response = await fetch(`${url}/v1/nothing`, bearer(presented))
    t.equal(response.headers.get('retry-after'), '1')
    await isProblem(t, response, 503, 'key_store_unavailable')
  }
  await isProblem(t, await fetch(`${url}/v1/nothing`, bearer(adminToken)), 404, 'route_not_found')
  await proxy.resume()
  t.equal((await fetch(`${url}/v1/nothing`, bearer(token))).status, 404)
})

t.test('what comes behind it is told who calls, and with which rights', async (t) => {
  const { url: databaseUrl, pool } = await createDatabase(t)
  const manager = new TokenManager({ pool })
  const callerOf = await startEcho(t, databaseUrl)
  const { token: reader } = await manager.create({ name: 'dashboard', rights: 'read' })
  const { token: writer } = await manager.create({ name: 'deploy', rights: 'write' })
  t.same(await callerOf(reader), { name: 'dashboard', rights: 'read', address: '127.0.0.1' })
  t.same(await callerOf(writer), { name: 'deploy', rights: 'write', address: '127.0.0.1' })
  t.same(await callerOf(adminToken), { name: 'LATCHKEY_ADMIN_TOKEN', rights: 'write', address: '127.0.0.1' })
})

t.test('a running gateway takes named tokens', async (t) => {
  const gateway = await startGateway(t, { config: 'upstreams: { u: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /, upstream: u }]\n' })
  t.equal((await send(`${gateway.adminUrl}/v1/nothing`)).code, 'admin_disabled')
  const { token } = await new TokenManager({ pool: gateway.database.pool }).create({ name: 'deploy', rights: 'write' })
  t.equal((await send(`${gateway.adminUrl}/v1/nothing`, bearer(token))).code, 'route_not_found')
  t.equal((await send(`${gateway.adminUrl}/v1/nothing`)).code, 'unauthorized')
})

/** A listener that answers with its caller alone. */
async function startEcho (t: Test, databaseUrl: string): Promise<(token: string) => Promise<Caller>> {
  const logger = pino({ level: 'silent' })
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'latchkey admin', connectionsMax: 1, connectionsMin: 0, queryTimeoutMs: 30_000, logger })
  const failures = new FailureBudget({ failures: 20, perMs: 60_000 })
  const echo = Fastify()
  echo.addHook('onRequest', authenticate(new TokenVerifier({ store: new TokenStore(pool), environmentToken: adminToken, failures, logger })))
  echo.get('/', async ({ caller }) => caller)
  t.teardown(async () => {
    await echo.close()
    await pool.end()
  })
  const url = await echo.listen({ host: '127.0.0.1', port: 0 })
  return async (token) => await (await fetch(url, bearer(token))).json() as Caller
}
