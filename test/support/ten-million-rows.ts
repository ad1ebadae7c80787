import { cpus } from 'node:os'
import pg from 'pg'
import type { Test } from 'tap'
import { errorReport, trafficReport, type TrafficDimension, type TrafficQuery } from '../../src/usage/reports/traffic.ts'
import { rollUp } from '../../src/usage/rollups/roll-up.ts'
import { createDatabase } from './postgres.ts'

const rows = 10_000_000
/** Of them, the last that aren't rolled up. */
const tailRows = 20_000
const days = 90
const dayMs = 86_400_000
/** However busy the machine. */
const patient = { timeoutMs: 300_000 }
const start = Date.UTC(2026, 0, 10)
const end = start + days * dayMs

const all = { from: new Date(start), to: new Date(end) }
const uneven = { from: new Date(start + 5 * dayMs + 7 * 3_600_000), to: new Date(end) }

/** SQL: what a row is, from random numbers between 0 and 1: `r1` to `r4`, and `key`, of a key from 0 to 999. */
export interface UsageShape {
  /** From `r1`. */
  readonly key: string
  /** From `r2`. */
  readonly route: string
  /** From `r3`. */
  readonly status: string
  /** From `r4`. */
  readonly responseTimeMs: string
}

/**
 * Each report over ten million rows equals what counting the rows themselves gives. Nothing here fails for being slow;
 * it says how long each report took, and how Postgres went about it.
 */
export async function reportsOverTenMillionRows (t: Test, shape: UsageShape): Promise<void> {
  const { url, pool } = await createDatabase(t)
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())

  await t.test('rows', async (t) => {
    await client.query('insert into auth.users (id) select md5(n::text)::uuid from generate_series(1, 50) as n')
    await client.query("insert into api_keys (user_id, key_hash, key_prefix, name) select md5((1 + n % 50)::text)::uuid, 'hash ' || n, 'sk_live_0000', 'key ' || n from generate_series(1, 1000) as n")
    // Ten million checks of foreign keys would take longer than all the rest.
    await client.query('set session_replication_role = replica')
    const seconds = await secondsOf(() => insert(client, shape, 1, rows - tailRows))
    await client.query('vacuum analyze api_key_usage')
    t.comment(`${rows} rows of usage inserted in ${seconds.toFixed(0)} s, on ${cpus().length} cores`)
  })

  await t.test('rolled up', async (t) => {
    const seconds = await secondsOf(() => rollUp(pool, { settleTimeoutMs: 60_000 }))
    await insert(client, shape, rows - tailRows + 1, rows)
    await client.query('vacuum analyze latchkey.usage_hourly, latchkey.usage_daily')
    const { rows: sizes } = await client.query<{ line: string }>(`
      select relname || ': ' || reltuples::bigint || ' rows, ' || pg_size_pretty(pg_relation_size(oid)) || ', indexes ' || pg_size_pretty(pg_indexes_size(oid)) as line
      from pg_class where oid in ('api_key_usage'::regclass, 'latchkey.usage_hourly'::regclass, 'latchkey.usage_daily'::regclass) order by relname`)
    t.comment(`rolled up in ${seconds.toFixed(0)} s: ${(seconds * 1e6 / (rows - tailRows)).toFixed(1)} µs a row`)
    for (const { line } of sizes) t.comment(line)
    t.strictSame((await client.query('select sum(requests)::int as hourly, (select sum(requests)::int from latchkey.usage_daily) as daily from latchkey.usage_hourly')).rows, [{ hourly: rows - tailRows, daily: rows - tailRows }])
  })

  await t.test('reports', async (t) => {
    const { rows: [busy] } = await client.query<{ id: number, user_id: string }>('select id, user_id from api_keys order by id limit 1')
    const reports: Record<string, TrafficQuery> = {
      'the busiest keys': { by: ['key'], ...all },
      'the busiest keys, from an odd hour on': { by: ['key'], ...uneven },
      'users with most errors': { by: ['user'], ...all, order: 'errors' },
      'routes by status': { by: ['route', 'status'], ...all },
      'each day': { by: ['day'], ...all },
      'each month by route and status class': { by: ['month', 'route', 'statusClass'], ...all },
      'keys by route and status': { by: ['key', 'route', 'status'], ...all },
      'the busiest days of keys on routes': { by: ['key', 'route', 'day'], ...all, order: 'requests' },
      'one key, each hour of a week': { by: ['hour'], from: new Date(end - 7 * dayMs), to: new Date(end), filter: { keyId: busy!.id }, limit: 200 },
      'one user, each day': { by: ['day'], ...uneven, filter: { userId: busy!.user_id } },
      'one route, each hour of two days': { by: ['hour', 'statusClass'], from: new Date(end - 2 * dayMs), to: new Date(end), filter: { route: 'route-0' }, limit: 500 },
      'all, each hour of a month': { by: ['hour'], from: new Date(end - 30 * dayMs), to: new Date(end), limit: 1_000 },
    }
    for (const [name, query] of Object.entries(reports)) {
      await t.test(name, async (t) => {
        const report = await trafficReport(client, query, patient)
        const times = [await millisecondsOf(() => trafficReport(client, query, patient)), await millisecondsOf(() => trafficReport(client, query, patient))]
        const plans: string[] = []
        await trafficReport(explaining(client, plans), query, patient)
        t.comment(`${name}: ${Math.min(...times).toFixed(0)} ms\n${plans.join('\n')}`)
        const expected = await byForce(client, query)
        t.equal(report.totals.requests, expected.reduce((sum, { requests }) => sum + requests, 0))
        t.equal(report.totals.responseBytes, expected.reduce((sum, { bytes }) => sum + bytes, 0))
        const wanted = new Map(expected.map(({ group, ...numbers }) => [JSON.stringify(group), numbers]))
        for (const { group, requests, errors, responseBytes: bytes } of report.rows) {
          t.strictSame({ requests, errors, bytes }, wanted.get(JSON.stringify(Object.values(group).map(String))))
        }
        t.equal(report.rows.length, Math.min(expected.length, query.limit ?? 100))
      })
    }
  })

  await t.test('errors', async (t) => {
    const report = await errorReport(client, all, patient)
    const times = [await millisecondsOf(() => errorReport(client, all, patient)), await millisecondsOf(() => errorReport(client, all, patient))]
    const plans: string[] = []
    await errorReport(explaining(client, plans), all, patient)
    t.comment(`the commonest errors: ${Math.min(...times).toFixed(0)} ms\n${plans.join('\n')}`)
    const { rows } = await client.query(`
      select api_key_id as key, route, status_code as status, count(*)::int as requests, date_trunc('hour', max(created_at), 'UTC') as "lastHour"
      from api_key_usage where status_code >= 400 and created_at >= $1 and created_at < $2
      group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit 20`, [all.from, all.to])
    t.strictSame(report.rows.map(({ key, route, status, requests, lastHour }) => ({ key, route, status, requests, lastHour })), rows)
  })
}

/** Ids go with the time, but for a minute. */
async function insert (client: pg.Client, { key, route, status, responseTimeMs }: UsageShape, first: number, last: number): Promise<void> {
  await client.query(`
    insert into api_key_usage (api_key_id, endpoint, method, status_code, response_time_ms, created_at, route, request_bytes, response_bytes)
    select first_key + key, '/inventory/' || n % 97, 'GET', ${status}, (${responseTimeMs})::int, at + least(r1 * interval '1 minute', to_timestamp(${end / 1000 - 1}) - at),
      ${route}, floor(r2 * 1000)::int, floor(r3 * 10000)::int
    from (
      select drawn.*, (${key})::int as key, to_timestamp(${start / 1000} + ${days * 86_400}::float8 * (n - 1) / ${rows}) as at, (select min(id) from api_keys) as first_key
      from (
        select n, random() as r1, random() as r2, random() as r3, random() as r4 from generate_series($1::int, $2::int) as n offset 0
      ) as drawn offset 0
    ) as drawn`, [first, last])
}

interface Counted {
  readonly group: string[]
  readonly requests: number
  readonly errors: number
  readonly bytes: number
}

const columns: Record<TrafficDimension, string> = {
  key: 'api_key_id',
  user: 'user_id',
  route: 'route',
  status: 'status_code',
  statusClass: 'status_code / 100',
  hour: "date_trunc('hour', created_at, 'UTC')",
  day: "date_trunc('day', created_at, 'UTC')",
  month: "date_trunc('month', created_at, 'UTC')",
}

async function byForce (client: pg.Client, { by, from, to, filter = {} }: TrafficQuery): Promise<Counted[]> {
  const { rows } = await client.query<{ groups: unknown[], requests: number, errors: number, bytes: number }>({
    rowMode: 'array',
    text: `
      select ${by.map((dimension) => columns[dimension]).join(', ')}, count(*)::int, (count(*) filter (where status_code >= 400))::int, sum(response_bytes)::float8
      from api_key_usage join api_keys on api_keys.id = api_key_id
      where api_key_usage.created_at >= $1 and api_key_usage.created_at < $2 and ($3::int is null or api_key_id = $3) and ($4::uuid is null or user_id = $4) and ($5::text is null or route = $5)
      group by ${by.map((_, i) => i + 1).join(', ')}`.replaceAll("', created_at", "', api_key_usage.created_at"),
    values: [from, to, filter.keyId ?? null, filter.userId ?? null, filter.route ?? null],
  } as pg.QueryConfig)
  return (rows as unknown as unknown[][]).map((row) => {
    const [requests, errors, bytes] = row.slice(by.length) as number[]
    return { group: row.slice(0, by.length).map(String), requests: requests!, errors: errors!, bytes: bytes! }
  })
}

/** The client, having each report explained first. */
function explaining (client: pg.Client, plans: string[]): pg.Client {
  return new Proxy(client, {
    get (target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) as unknown : value
      return async (query: string | pg.QueryConfig) => {
        if (typeof query !== 'string' && /\bcounted\b/.test(query.text)) {
          const { rows } = await target.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain (analyze, buffers) ${query.text}` })
          plans.push(...rows.map((row) => row['QUERY PLAN']))
        }
        return await target.query(query as pg.QueryConfig)
      }
    },
  })
}

async function millisecondsOf (work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return performance.now() - startedAtMs
}

async function secondsOf (work: () => Promise<unknown>): Promise<number> {
  return await millisecondsOf(work) / 1_000
}
