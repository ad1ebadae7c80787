import t, { type Test } from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { type Answer, send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

for (const outage of ['cut', 'stall'] as const) {
  t.test(outage === 'cut' ? 'the database can\'t be reached' : 'the database doesn\'t answer', async t => {
    const { proxy, gateway, use, storeUp } = await start(t)
    const [known, unused, disabled] = [await gateway.createKey(), await gateway.createKey(), await gateway.createKey()]
    await gateway.database.pool.query('update api_keys set is_active = false where id = $1', [disabled.apiKey.id])
    t.equal((await use(known.key)).status, 200)
    t.equal((await use(disabled.key)).code, 'key_disabled')
    t.equal(await storeUp(), '1')

    await proxy[outage]()
    let [served, unavailable] = [0, 0]
    await until(async () => {
      const [cached, fresh, stranger, state] = await Promise.all([
        use(known.key), use(unused.key), use(generateKey({ brand: 'sk', environment: 'live' })), use(disabled.key),
      ])
      t.equal(cached.status, 200, 'a key that is known goes on')
      t.equal(state.code, 'key_disabled', 'in the state that it was last known in')
      isUnavailable(t, fresh)
      isUnavailable(t, stranger)
      served++
      unavailable += 2
      return await storeUp() === '0' && served >= 5
    }, 'the outage is noticed', { timeoutMs: 60_000 })
    t.equal((await use('sk_live_junk')).code, 'invalid_key', 'what can\'t be a key needs no database')
    t.equal((await use(generateKey({ brand: 'sk', environment: 'prod' }))).code, 'invalid_key')
    t.equal((await send(`${gateway.url}/-/ready`)).status, 200, 'it stays ready: cached keys are served')

    await proxy.resume()
    await until(async () => {
      const answer = await use(unused.key)
      if (answer.status !== 200) isUnavailable(t, answer)
      return answer.status === 200
    }, 'the unused key works', { timeoutMs: 30_000 })
    await until(async () => (await use(generateKey({ brand: 'sk', environment: 'live' }))).code === 'invalid_key', 'an unknown key is told so again')
    t.equal(await storeUp(), '1')

    await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [known.apiKey.id])
    await until(async () => (await use(known.key)).code === 'key_revoked', 'revocations arrive again', { timeoutMs: 30_000 })
    await until(async () => {
      const { rows: [{ count }] } = await gateway.database.pool.query('select count(*)::int from api_key_usage where api_key_id = $1 and status_code = 200', [known.apiKey.id])
      return count > served
    }, 'the usage of the outage was written', { timeoutMs: 30_000 })
    t.comment(`${served} cached uses served, ${unavailable} others answered 503 while the database was away`)
  })
}

t.test('a revocation that was missed in the outage counts once the database is back', async t => {
  const { proxy, gateway, use } = await start(t)
  const { key, apiKey } = await gateway.createKey()
  t.equal((await use(key)).status, 200)
  await proxy.cut()
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
  await until(async () => (await use(key)).status === 200, 'it goes on: nobody can know')
  await proxy.resume()
  await until(async () => (await use(key)).code === 'key_revoked', 'it is refused', { timeoutMs: 30_000 })
})

t.test('beyond serveCachedFor, a cached key is unavailable, not invalid', async t => {
  const { proxy, gateway, use } = await start(t, 'cache: { ttl: 100ms }, whenStoreIsDown: { serveCachedFor: 1s }')
  const { key } = await gateway.createKey()
  t.equal((await use(key)).status, 200)
  await proxy.cut()
  let answer = await use(key)
  await until(async () => {
    answer = await use(key)
    return answer.status !== 200
  }, 'the key is no longer served')
  isUnavailable(t, answer)
  await proxy.resume()
  await until(async () => (await use(key)).status === 200, 'the key works again', { timeoutMs: 30_000 })
})

async function start (t: Test, keys = 'cache: { ttl: 1s }') {
  const upstream = await startUpstream(t)
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const gateway = await startGateway(t, {
    config: `
keys: { bcryptCost: 4, environments: [live], ${keys} }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: all, path: /*, upstream: u }
`,
    database,
    databaseUrl: proxy.through(database.url),
  })
  // Before the gateway closes: its last flush needs the database.
  t.teardown(() => proxy.resume())
  return {
    proxy,
    gateway,
    use: (key: string) => send(`${gateway.url}/x`, { headers: { 'x-api-key': key } }),
    storeUp: async () => /^latchkey_key_store_up (\d)$/m.exec((await send(`${gateway.adminUrl}/metrics`)).text)?.[1],
  }
}

function isUnavailable (t: Test, { status, code, headers }: Answer): void {
  t.equal(status, 503)
  t.equal(code, 'key_store_unavailable')
  t.match(headers['retry-after'], /^[1-9][0-9]*$/)
  t.equal(headers['www-authenticate'], undefined)
}
