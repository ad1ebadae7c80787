import t, { type Test } from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

for (const isDatabaseAway of [false, true]) {
  t.test(isDatabaseAway ? 'while the database is away' : 'while the database is there', async t => {
    const { gateway, proxy, use } = await start(t)
    const { key, apiKey } = await gateway.createKey()
    const expiresAtMs = await cacheShortlyBeforeExpiry()
    if (isDatabaseAway) await proxy.cut()

    await until(async () => {
      const askedAtMs = Date.now()
      const { status, code } = await use(key)
      const answeredAtMs = Date.now()
      if (status === 200) t.ok(askedAtMs < expiresAtMs, 'let through only when asked before the expiry')
      else t.ok(answeredAtMs >= expiresAtMs, 'refused only after it')
      return code === 'key_expired'
    }, 'the key is refused as expired', { timeoutMs: 60_000 })

    /** Resolves once the gateway knows the key and its end, and gave an answer from its cache. */
    async function cacheShortlyBeforeExpiry (): Promise<number> {
      for (let leftMs = 2_000; ; leftMs *= 2) {
        // First known as expired, so that a later 200 comes from the new expiry.
        await expireAt(0)
        await until(async () => (await use(key)).code === 'key_expired', 'the key is expired')
        const expiresAtMs = Date.now() + leftMs
        await expireAt(expiresAtMs)
        await until(async () => (await use(key)).status === 200 || Date.now() >= expiresAtMs, 'the key is let through')
        const before = await cacheHits()
        if ((await use(key)).status === 200 && await cacheHits() > before) return expiresAtMs
      }
    }

    async function expireAt (ms: number): Promise<void> {
      await gateway.database.pool.query('update api_keys set expires_at = to_timestamp($2 / 1000.0) where id = $1', [apiKey.id, ms])
    }

    async function cacheHits (): Promise<number> {
      const { text } = await send(`${gateway.adminUrl}/metrics`)
      return Number(/^latchkey_key_cache_total\{result="hit"\} (\d+)$/m.exec(text)?.[1] ?? 0)
    }
  })
}

async function start (t: Test) {
  const upstream = await startUpstream(t)
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const gateway = await startGateway(t, {
    config: `
keys: { bcryptCost: 4, cache: { ttl: 1h } }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: all, path: /*, upstream: u }
`,
    database,
    databaseUrl: proxy.through(database.url),
  })
  // Before the gateway closes: its last flush needs the database.
  t.teardown(() => proxy.resume())
  return { gateway, proxy, use: (key: string) => send(`${gateway.url}/x`, { headers: { 'x-api-key': key } }) }
}
