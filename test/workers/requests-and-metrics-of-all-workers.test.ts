import { Agent, request } from 'node:http'
import t from 'tap'
import { scrape, usageBooks, isBalanced } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers, sumOf } from './workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)
const gateway = await gateways.start(t)

/** Over a connection of its own, kept open. */
async function client (key: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  return async () => await new Promise<number>((resolve, reject) => {
    request(`${gateway.url}/`, { agent, headers: { 'x-api-key': key } }, response => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    }).once('error', reject).end()
  })
}

t.test('connections are spread evenly, and one scrape counts the requests of all', async t => {
  const clients = await Promise.all(Array.from({ length: 8 }, async () => await client(gateways.headers['x-api-key'])))
  for (let round = 0; round < 5; round++) t.same(await Promise.all(clients.map(async ask => await ask())), Array.from({ length: 8 }, () => 200))
  t.equal(childrenOf(gateway, 'worker-process').length, 2)
  await until(async () => sumOf(await scrape(gateway.adminUrl), 'latchkey_requests_total{route="all"') === 40, 'every request is counted')
  const series = await scrape(gateway.adminUrl)
  t.equal(series.get('latchkey_requests_total{route="all",method="GET",code="200"}'), 40, 'exactly once')
  t.equal(series.get('latchkey_request_duration_seconds_count{route="all"}'), 40)
  t.equal(series.get('latchkey_auth_total{outcome="valid"}'), 40)
  t.equal(series.get('latchkey_connections'), 8)
  t.equal(series.get('latchkey_workers'), 2)
  t.equal(series.get('latchkey_key_cache_entries'), 2, 'both have served: each has the key in its cache')
  t.equal(series.get('latchkey_key_store_up'), 1)
  t.equal(series.get('latchkey_config_last_reload_success'), 1)
  t.ok(series.get('process_cpu_seconds_total')! > 0)
  t.ok(series.get('nodejs_heap_size_used_bytes')! > 0)
  t.ok(isBalanced(await usageBooks(gateway.adminUrl)))
})

t.test('a revoked key is refused by every worker within a second', async t => {
  const [{ key, apiKey } = { key: '', apiKey: null }] = await gateways.createKeys([{}])
  const clients = await Promise.all(Array.from({ length: 4 }, async () => await client(key)))
  t.same(await Promise.all(clients.map(async ask => await ask())), [200, 200, 200, 200])
  await gateways.pool.query('update api_keys set revoked_at = now(), is_active = false where id = $1', [apiKey!.id])
  await until(async () => (await Promise.all(clients.map(async ask => await ask()))).every(status => status === 401), 'all refuse it', { timeoutMs: 5_000 })
})

t.test('keys without a digest are verified by one bcrypt process for all workers', async t => {
  const [{ key, apiKey } = { key: '', apiKey: null }] = await gateways.createKeys([{}])
  await gateways.pool.query('update api_keys set key_lookup = null, pepper_id = null where id = $1', [apiKey!.id])
  const clients = await Promise.all(Array.from({ length: 4 }, async () => await client(key)))
  t.same(await Promise.all(clients.map(async ask => await ask())), [200, 200, 200, 200])
  t.equal(childrenOf(gateway, 'bcrypt-process').length, 1)
})
