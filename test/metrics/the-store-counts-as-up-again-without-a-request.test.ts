import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { scrape } from '../support/scrape.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

t.test('an alert on latchkey_key_store_up ends with the outage, not with the next key to be looked up', async t => {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const gateway = await startGateway(t, {
    database,
    databaseUrl: proxy.through(database.url),
    config: `
upstreams: { u: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: r, path: /a, upstream: u }]
`,
  })
  const isUp = async () => (await scrape(gateway.adminUrl)).get('latchkey_key_store_up') === 1
  t.ok(await isUp())

  await proxy.cut()
  await send(`${gateway.url}/a`, { headers: { 'x-api-key': generateKey({ brand: 'sk', environment: 'live' }) } })
  t.notOk(await isUp())
  await proxy.resume()
  await until(isUp, 'it counts as up again', { timeoutMs: 30_000 })
})
