import { request } from 'undici'
import t from 'tap'
import { exportedColumns } from '../../../src/usage/export/exported-row.ts'
import { trafficReport } from '../../../src/usage/reports/traffic.ts'
import { readCsv } from '../../usage/export/csv-reader.ts'
import { exported, insertRows } from '../../usage/export/support.ts'
import { until } from '../../support/until.ts'
import { startUpstream } from '../../support/upstream.ts'
import { adminToken, startApi } from './support.ts'

const upstream = await startUpstream(t)
const api = await startApi(t, {
  config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: read, path: '/inventory/*', methods: [GET], upstream: u, scopes: [inventory:read] }
  - { id: write, path: '/inventory/*', methods: [POST], upstream: u, scopes: [inventory:write] }
`
})
const { pool } = api.gateway.database
const keys = [(await api.create({ name: 'busy' })).apiKey, (await api.create({ name: 'other' })).apiKey]
const hourMs = 3_600_000

t.test('what clients do is seen: requests, errors, refusals', async t => {
  const { key, apiKey } = await api.create({ name: 'client' })
  await until(async () => (await fetch(`${api.gateway.url}/inventory/1`, { headers: { 'x-api-key': key } })).status === 200, 'the key works')
  for (let i = 0; i < 3; i++) await fetch(`${api.gateway.url}/inventory/1`, { method: 'POST', headers: { 'x-api-key': key } })
  await fetch(`${api.gateway.url}/inventory/1`)
  await fetch(`${api.gateway.url}/inventory/1`, { headers: { 'x-api-key': `${key.slice(0, -1)}!` } })
  const usage = async () => (await api.call('GET', `/v1/keys/${apiKey.id}/usage`)).body
  await until(async () => (await usage()).totals.requests >= 4, 'the requests are written')
  t.match((await usage()).totals, { errors: 3, serverErrors: 0, latencyMs: { p50: Number, p95: Number } })
  const { body } = await api.call('GET', '/v1/usage/summary')
  t.match(body.errors, [{ key: apiKey.id, prefix: apiKey.prefix, name: 'client', route: 'write', status: 403, requests: 3 }])
  const refusals = Object.fromEntries(body.refusals.map(({ reason, requests }: { reason: string, requests: number }) => [reason, requests]))
  t.match(refusals, { insufficient_scope: 3, missing_key: 1, invalid_key: Number })
  t.notOk('valid' in refusals)
  await pool.query('delete from api_key_usage where api_key_id = $1', [apiKey.id])
})

t.test('buckets have no gaps, and add up to the totals and to the reports', async t => {
  // Over more than two days, by turns of both keys.
  await insertRows(pool, keys.map(({ id }) => id), 2_000)
  await pool.query("update api_key_usage set created_at = now() - (2000 - response_bytes) * interval '100 seconds'")
  const now = Date.now()
  for (const [fromMs, toMs, bucket] of [[now - 24 * hourMs, now, 'hour'], [now - 5 * 24 * hourMs, now, 'day'], [now - 60 * hourMs, now - 7.5 * hourMs, 'hour'], [now - 20 * 24 * hourMs, now - 10 * 24 * hourMs, 'day']] as const) {
    const period = { from: new Date(fromMs), to: new Date(toMs) }
    const query = `from=${period.from.toISOString()}&to=${period.to.toISOString()}`
    for (const { id } of keys) {
      const { body } = await api.call('GET', `/v1/keys/${id}/usage?${query}&bucket=${bucket}`)
      const report = await trafficReport(pool, { ...period, by: ['key'], limit: 1, filter: { keyId: id } })
      t.same(body.totals, JSON.parse(JSON.stringify(report.totals)))
      t.same([body.from, body.to], [report.from.toISOString(), report.to.toISOString()])
      sameBuckets(body, bucket)
    }
    const { body } = await api.call('GET', `/v1/usage/summary?${query}`)
    sameBuckets(body, body.bucket)
    t.equal(body.bucket, toMs - fromMs > 48 * hourMs ? 'day' : 'hour')
    const report = await trafficReport(pool, { ...period, by: ['key'], limit: 1 })
    t.same(body.totals, JSON.parse(JSON.stringify(report.totals)))
    for (const group of ['keys', 'routes']) t.equal(sum(body[group], 'requests'), body.totals.requests, group)
    t.same(body.keys.map(({ key, name }: { key: number, name: string }) => [key, name]).sort(), body.totals.requests === 0 ? [] : keys.map(({ id, name }) => [id, name]))
    t.equal(sum(body.errors, 'requests'), body.totals.errors)
  }

  function sameBuckets (body: { from: string, to: string, data: { start: string, requests: number, errors: number, responseBytes: number }[], totals: Record<string, number> }, bucket: string): void {
    const stepMs = bucket === 'hour' ? hourMs : 24 * hourMs
    const starts = body.data.map(({ start }) => Date.parse(start))
    t.ok(starts.every((ms, i) => ms % stepMs === 0 && (i === 0 || ms - starts[i - 1]! === stepMs)), 'one after the other')
    t.ok(starts[0]! <= Date.parse(body.from) && starts[0]! > Date.parse(body.from) - stepMs)
    t.ok(starts.at(-1)! < Date.parse(body.to) && starts.at(-1)! + stepMs >= Date.parse(body.to))
    for (const name of ['requests', 'errors', 'serverErrors', 'requestBytes', 'responseBytes']) t.equal(sum(body.data, name), body.totals[name], name)
  }
})

t.test('as many keys and routes as asked for, the busiest first', async t => {
  const { body } = await api.call('GET', '/v1/usage/summary?limit=1')
  t.same([body.keys.length, body.routes.length], [1, 1])
  t.equal(body.routes[0].route, 'read')
})

t.test('an export equals the rows, in both formats and under every filter', async t => {
  const { rows } = await exported(pool)
  const { apiKey: { userId } } = await api.create({ userId: 'nobody-yet@example.com' })
  const at = rows[1_000]!.createdAt!
  const filters: [string, (row: typeof rows[number]) => boolean][] = [
    ['', () => true],
    [`keyId=${keys[0]!.id}`, ({ keyId }) => keyId === keys[0]!.id],
    [`userId=${keys[0]!.userId}`, () => true],
    [`userId=${userId}`, () => false],
    ['route=write', ({ route }) => route === 'write'],
    ['status=404', ({ status }) => status === 404],
    ['status=5xx', ({ status }) => status === 503],
    [`from=${at.toISOString()}`, ({ createdAt }) => createdAt! >= at],
    [`until=${at.toISOString()}&route=read&status=2xx`, ({ createdAt, route, status }) => createdAt! < at && route === 'read' && status === 200],
    [`afterId=${rows[500]!.id}`, ({ id }) => id > rows[500]!.id],
    [`afterId=${rows[500]!.id}&limit=7`, ({ id }) => id > rows[500]!.id && id <= rows[507]!.id],
    ['keyId=999999', () => false],
  ]
  for (const [query, isWanted] of filters) {
    const wanted = JSON.parse(JSON.stringify(rows.filter(isWanted))) as Record<string, unknown>[]
    const ndjson = await api.call('GET', `/v1/usage/export?${query}`)
    t.same(ndjson.text.split('\n').filter(line => line !== '').map(line => JSON.parse(line)), wanted, query)
    t.equal(ndjson.headers['x-latchkey-settled-id'], String(rows.at(-1)!.id))
    const [header, ...lines] = readCsv((await api.call('GET', `/v1/usage/export?format=csv&${query}`)).text)
    t.same(header, exportedColumns)
    t.same(lines.map(line => line[0]), wanted.map(({ id }) => String(id)), query)
  }
})

t.test('an export is streamed: its beginning comes before its end is read', async t => {
  await insertRows(pool, keys.map(({ id }) => id), 60_000)
  const response = await request(`${api.url}/v1/usage/export`, { headers: { authorization: `Bearer ${adminToken}` } })
  t.equal(response.headers['transfer-encoding'], 'chunked')
  let bytes = 0
  for await (const chunk of response.body) bytes += chunk.length
  t.ok(bytes > 10_000_000)
})

t.test('an export ends with its client, the query under way included', async t => {
  const { database } = api.gateway
  const holder = await database.pool.connect()
  const response = await request(`${api.url}/v1/usage/export`, { headers: { authorization: `Bearer ${adminToken}` } })
  // Pages are read no further than the client reads; the next one waits for this lock.
  await holder.query('begin; lock table api_key_usage in access exclusive mode')
  const reading = response.body.text().catch(() => '')
  const exporting = async () => Number((await pool.query(
    "select count(*) from pg_stat_activity where application_name = 'latchkey reports' and state = 'active' and query like '%api_key_usage as used%'")).rows[0].count)
  await until(async () => await exporting() === 1, 'the export waits for the lock')
  response.body.destroy()
  await reading
  await until(async () => await exporting() === 0, 'its query has ended')
  await holder.query('rollback')
  holder.release()
  t.equal((await api.call('GET', `/v1/usage/export?limit=1&afterId=${0}`)).status, 200)
  t.same(api.errorsLogged(), [])
})

t.test('nothing is left of the usage of a key that was deleted', async t => {
  await api.call('DELETE', `/v1/keys/${keys[1]!.id}`)
  t.equal((await api.call('GET', `/v1/usage/export?keyId=${keys[1]!.id}`)).text, '')
  t.same((await api.call('GET', '/v1/usage/summary')).body.keys.map(({ key }: { key: number }) => key), [keys[0]!.id])
})

function sum (rows: readonly object[], name: string): number {
  return rows.reduce((total, row) => total + Number((row as Record<string, unknown>)[name]), 0)
}
