import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import {
  dimensions, errorReport, orders, trafficReport,
  type TrafficDimension, type TrafficFilter, type TrafficGroup, type TrafficNumbers, type TrafficQuery, type TrafficRow,
} from '../../../src/usage/reports/traffic.ts'
import { latencyBoundsMs } from '../../../src/usage/rollups/latency-buckets.ts'
import { rollUp } from '../../../src/usage/rollups/roll-up.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createRole, gatewayGrants } from '../../support/role.ts'
import { createKeys, openTransaction } from '../support.ts'
import { connect, hourMs, insertRows, march } from '../rollups/support.ts'

const dayMs = 24 * hourMs
const routes = ['', 'read', 'write', 'Zoë']
const statuses = [0, 200, 201, 304, 404, 429, 500, 503]

interface Raw {
  readonly key: number
  readonly user: string
  readonly route: string
  readonly status: number
  readonly ms: number | null
  readonly sent: number
  readonly got: number
  readonly at: Date
}

/** Five weeks of usage: some rolled up, some not, some of deleted keys, some late. */
async function fill (pool: pg.Pool): Promise<{ raw: Raw[], users: string[], keys: number[] }> {
  const keys = [...await createKeys(pool, 4), ...await createKeys(pool, 3)]
  const random = (below: number): number => Math.floor(Math.random() * below)
  const some = (count: number) => Array.from({ length: count }, () => ({
    keyId: keys[Math.floor(keys.length * Math.random() ** 2)]!,
    route: [null, ...routes][random(5)]!,
    status: random(20) === 0 ? null : statuses[1 + Math.floor(7 * Math.random() ** 3)]!,
    responseTimeMs: random(15) === 0 ? null : Math.floor(Math.exp(Math.random() * 11)) - 1,
    requestBytes: random(5) === 0 ? null : random(1e6),
    responseBytes: random(5) === 0 ? null : random(2 ** 40),
    // Some just at the boundaries.
    createdAtMs: march + random(35 * 24) * hourMs + (random(8) === 0 ? 0 : random(hourMs)),
  }))
  await insertRows(pool, some(1_500))
  await rollUp(pool, { settleTimeoutMs: 20_000, stepRows: 400 })
  await insertRows(pool, some(500))
  await rollUp(pool, { settleTimeoutMs: 20_000 })
  await insertRows(pool, some(400))
  await pool.query('delete from api_keys where id = $1', [keys.shift()])
  const { rows } = await pool.query(`
    select api_key_id as key, user_id as user, coalesce(route, '') as route, coalesce(status_code, 0) as status, response_time_ms as ms,
      coalesce(request_bytes, 0)::float8 as sent, coalesce(response_bytes, 0)::float8 as got, u.created_at as at
    from api_key_usage as u join api_keys as k on k.id = api_key_id`)
  return { raw: rows, users: [...new Set<string>(rows.map(({ user }) => user))], keys }
}

const valueOf: Record<TrafficDimension, (row: Raw) => string | number | Date> = {
  key: ({ key }) => key,
  user: ({ user }) => user,
  route: ({ route }) => route,
  status: ({ status }) => status,
  statusClass: ({ status }) => Math.floor(status / 100),
  hour: ({ at }) => new Date(at.toISOString().slice(0, 13) + ':00Z'),
  day: ({ at }) => new Date(at.toISOString().slice(0, 10) + 'T00:00Z'),
  month: ({ at }) => new Date(at.toISOString().slice(0, 7) + '-01T00:00Z'),
}

function isWanted ({ keyId, userId, route, status, statusClass }: TrafficFilter, from: Date, to: Date): (row: Raw) => boolean {
  return (row) => row.at >= from && row.at < to && (keyId === undefined || row.key === keyId) && (userId === undefined || row.user === userId) &&
    (route === undefined || row.route === route) && (status === undefined || row.status === status) &&
    (statusClass === undefined || Math.floor(row.status / 100) === statusClass)
}

/** Everything but the percentiles. */
function numbersOf (rows: readonly Raw[]) {
  const sum = (value: (row: Raw) => number): number => rows.reduce((total, row) => total + value(row), 0)
  const timed = rows.filter(({ ms }) => ms !== null)
  return {
    requests: rows.length,
    errors: rows.filter(({ status }) => status >= 400).length,
    serverErrors: rows.filter(({ status }) => status >= 500).length,
    requestBytes: sum(({ sent }) => sent),
    responseBytes: sum(({ got }) => got),
    average: timed.length === 0 ? null : timed.reduce((total, { ms }) => total + ms!, 0) / timed.length,
  }
}

function withoutPercentiles ({ latencyMs, ...numbers }: TrafficNumbers) {
  const { requests, errors, serverErrors, requestBytes, responseBytes } = numbers
  return { requests, errors, serverErrors, requestBytes, responseBytes, average: latencyMs?.average ?? null }
}

/** Each percentile lies in the bucket in which the request of that rank lies. */
function checkPercentiles (rows: readonly Raw[], { latencyMs }: TrafficNumbers): void {
  const times = rows.flatMap(({ ms }) => ms ?? []).sort((a, b) => a - b)
  if (times.length === 0) return
  for (const [name, fraction] of [['p50', 0.5], ['p95', 0.95], ['p99', 0.99]] as const) {
    const exact = times[Math.max(Math.ceil(fraction * times.length) - 1, 0)]!
    const bucket = latencyBoundsMs.findIndex((bound) => exact <= bound)
    const fromMs = bucket === -1 ? 30_000 : latencyBoundsMs[bucket - 1] ?? 0
    const toMs = bucket === -1 ? 30_000 : latencyBoundsMs[bucket]!
    const told = latencyMs![name]
    if (told < fromMs || told > toMs) throw new Error(`${name} is ${told}, and should be in ${fromMs} to ${toMs} (${exact})`)
  }
}

/** As Map.groupBy, which Node 20 hasn't. */
function grouped (rows: readonly Raw[], keyOf: (row: Raw) => string): Map<string, Raw[]> {
  const groups = new Map<string, Raw[]>()
  for (const row of rows) {
    const members = groups.get(keyOf(row))
    if (members === undefined) groups.set(keyOf(row), [row])
    else members.push(row)
  }
  return groups
}

const textOf = (group: TrafficGroup): string => JSON.stringify(group)

t.test('any report is what the rows come to', async (t) => {
  const { url, pool } = await createDatabase(t)
  const { raw, users, keys } = await fill(pool)
  const client = await connect(t, url)
  const boundary = fc.oneof(
    fc.integer({ min: -2 * 24, max: 37 * 24 }).map((hour) => march + hour * hourMs),
    fc.integer({ min: -2, max: 37 }).map((day) => march + day * dayMs),
    fc.integer({ min: -2 * dayMs, max: 37 * dayMs }).map((ms) => march + ms)
  )
  const filter: fc.Arbitrary<TrafficFilter> = fc.record({
    keyId: fc.constantFrom(...keys),
    userId: fc.constantFrom(...users, randomUUID()),
    route: fc.constantFrom(...routes),
    status: fc.constantFrom(...statuses),
    statusClass: fc.constantFrom(0, 2, 4, 5),
  }, { requiredKeys: [] })
  const asked = fc.record({
    by: fc.uniqueArray(fc.constantFrom(...dimensions), { minLength: 1, maxLength: 3 }),
    bounds: fc.uniqueArray(boundary, { minLength: 2, maxLength: 2 }),
    filter: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, filter),
    order: fc.constantFrom(...orders, undefined),
    pageRows: fc.constantFrom(3, 50, 10_000),
    // At once, or in two steps.
    options: fc.constantFrom({}, { groupsInMemoryMax: 0 }),
    // In two of them a day of these weeks has 23 hours, at either end of the day.
    timezone: fc.constantFrom('UTC', 'America/New_York', 'Europe/Berlin', 'Pacific/Kiritimati'),
  })
  await fc.assert(fc.asyncProperty(asked, async ({ by, bounds, filter, order: anyOrder, pageRows, options, timezone }) => {
    await client.query(`set timezone = '${timezone}'`)
    const hasTime = by.some((dimension) => ['hour', 'day', 'month'].includes(dimension))
    const order = anyOrder === 'time' && !hasTime ? 'errors' : anyOrder
    const [fromMs = 0, toMs = 0] = [...bounds].sort((a, b) => a - b)
    const query: TrafficQuery = { by, from: new Date(fromMs), to: new Date(toMs), filter, limit: pageRows, ...order === undefined ? {} : { order } }
    const first = await trafficReport(client, query, options)
    t.strictSame([+first.from, +first.to], [Math.floor(fromMs / hourMs) * hourMs, Math.ceil(toMs / hourMs) * hourMs])

    const counted = raw.filter(isWanted(filter, first.from, first.to))
    const groups = grouped(counted, (row) => textOf(Object.fromEntries(by.map((dimension) => [dimension, valueOf[dimension](row)]))))
    t.strictSame(withoutPercentiles(first.totals), numbersOf(counted))
    checkPercentiles(counted, first.totals)

    const rows: TrafficRow[] = [...first.rows]
    const pagesMax = pageRows === 3 ? 4 : Infinity
    let cursor = first.nextCursor
    for (let page = 1; cursor !== null && page < pagesMax; page++) {
      const next = await trafficReport(client, { ...query, cursor }, options)
      rows.push(...next.rows)
      cursor = next.nextCursor
    }
    t.equal(rows.length, cursor === null ? groups.size : pagesMax * pageRows)
    t.equal(new Set(rows.map(({ group }) => textOf(group))).size, rows.length, 'each once')
    for (const row of rows) {
      const members = groups.get(textOf(row.group))
      if (members === undefined) throw new Error(`There is no ${textOf(row.group)}`)
      t.strictSame(withoutPercentiles(row), numbersOf(members))
      checkPercentiles(members, row)
    }
    checkOrder(t, rows, by, order ?? (hasTime ? 'time' : 'requests'))
    if (cursor !== null && (order === 'requests' || order === 'errors')) {
      const least = rows.at(-1)![order]
      const better = [...groups.values()].filter((members) => numbersOf(members)[order] > least).length
      t.ok(better <= rows.length, 'none that is left out has more')
    }
  }), { numRuns: 150 })
})

function checkOrder (t: Test, rows: readonly TrafficRow[], by: readonly TrafficDimension[], order: typeof orders[number]): void {
  const times = by.filter((dimension) => ['hour', 'day', 'month'].includes(dimension))
  const ties = order === 'time' ? [...times, ...by.filter((dimension) => !times.includes(dimension))] : by
  const keyOf = ({ group }: TrafficRow) => ties.map((dimension) => {
    const value = group[dimension]!
    return value instanceof Date ? value.getTime() : typeof value === 'string' ? Buffer.from(value) : value
  })
  for (let i = 1; i < rows.length; i++) {
    const [before, after] = [rows[i - 1]!, rows[i]!]
    if (order !== 'time' && before[order] !== after[order]) {
      if (before[order] < after[order]) t.fail(`${order} are in descending order`)
      continue
    }
    const [a, b] = [keyOf(before), keyOf(after)]
    const at = a.findIndex((value, n) => Buffer.isBuffer(value) ? !value.equals(b[n] as Buffer) : value !== b[n])
    const [x, y] = [a[at]!, b[at]!]
    const isAscending = Buffer.isBuffer(x) ? Buffer.compare(x, y as Buffer) < 0 : x < (y as typeof x)
    if (!isAscending) t.fail('ties are in ascending order')
  }
}

t.test('the commonest errors, with the last hour of each', async (t) => {
  const { pool } = await createDatabase(t)
  const { raw, keys } = await fill(pool)
  for (const [fromMs, toMs, filter] of [
    [march - dayMs, march + 40 * dayMs, {}],
    [march + 5 * hourMs, march + 20 * dayMs + 7 * hourMs, {}],
    [march + 3 * dayMs, march + 30 * dayMs, { keyId: keys[0]!, statusClass: 5 }],
    [march + 5 * hourMs, march + 9 * hourMs, { route: 'read' }],
  ] as const) {
    const { rows, from, to } = await errorReport(pool, { from: new Date(fromMs), to: new Date(toMs), filter, limit: 1_000 })
    const groups = grouped(raw.filter(isWanted(filter, from, to)).filter(({ status }) => status >= 400), ({ key, route, status }) => JSON.stringify([key, route, status]))
    const expected = [...groups.values()].map((members) => ({
      key: members[0]!.key,
      route: members[0]!.route,
      status: members[0]!.status,
      requests: members.length,
      lastHour: new Date(Math.max(...members.map(({ at }) => Math.floor(at.getTime() / hourMs) * hourMs))),
    }))
    const sorted = (list: readonly { key: number, route: string, status: number }[]) => [...list].map((row) => JSON.stringify(row)).sort()
    t.strictSame(sorted(rows), sorted(expected))
    t.ok(rows.every((row, i) => i === 0 || row.requests <= rows[i - 1]!.requests))
    t.strictSame((await errorReport(pool, { from, to, filter, limit: 2 })).rows, rows.slice(0, 2))
  }
})

t.test('a report is exact while rows come and are rolled up, and forgotten transactions are open', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const asked = { by: ['key'], from: new Date(march), to: new Date(march + 40 * dayMs) } as const
  let inserted = 0
  const over = new AbortController()
  const rolling = (async () => {
    while (!over.signal.aborted) await rollUp(pool, { settleTimeoutMs: 1_000, stepRows: 7 })
  })()
  for (let i = 0; i < 60; i++) {
    await insertRows(pool, Array.from({ length: 5 }, (_, n) => ({ keyId, createdAtMs: march + (i * 5 + n) * 2 * hourMs })))
    inserted += 5
    if (i === 30) await openTransaction(t, url, "insert into api_key_usage (api_key_id, endpoint, method) values ($1, '/', 'GET')", [keyId])
    for (const groupsInMemoryMax of [0, 100]) t.equal((await trafficReport(pool, asked, { groupsInMemoryMax })).totals.requests, inserted)
  }
  over.abort()
  await rolling
})

t.test('a query that makes no sense is told what would', async (t) => {
  const { pool } = await createDatabase(t)
  const query: TrafficQuery = { by: ['key'], from: new Date(march), to: new Date(march + dayMs) }
  for (const [more, message] of [
    [{ by: [] }, /by one to 3 of key, user/],
    [{ by: ['key', 'user', 'route', 'status'] }, /by one to 3/],
    [{ by: ['key', 'key'] }, /each once/],
    [{ by: ['colour' as 'key'] }, /not by colour/],
    [{ order: 'time' }, /hour, day or month/],
    [{ order: 'name' as 'time' }, /not of name/],
    [{ limit: 0 }, /1 to 10000/],
    [{ limit: 1.5 }, /1 to 10000/],
    [{ to: new Date(march) }, /must end after it begins/],
    [{ from: new Date(NaN) }, /must end after it begins/],
    ...['', 'junk', 'bnVsbA', Buffer.from('["a","b"]').toString('base64url'), Buffer.from('[1,"1; drop"]').toString('base64url'), Buffer.from('[1]').toString('base64url')]
      .map((cursor) => [{ cursor }, /cursor is not one of this report/] as const),
  ] as const) {
    await t.rejects(trafficReport(pool, { ...query, ...more as Partial<TrafficQuery> }), { name: 'UsageError', message }, JSON.stringify(more))
  }
  t.strictSame(await trafficReport(pool, query), {
    from: query.from, to: query.to, rows: [], nextCursor: null, totals: { requests: 0, errors: 0, serverErrors: 0, requestBytes: 0, responseBytes: 0, latencyMs: null },
  })
})

t.test('one that takes too long ends with what to do, and the connection goes on', async (t) => {
  const { url } = await createDatabase(t)
  await openTransaction(t, url, 'lock table latchkey.usage_daily', [])
  const single = new pg.Pool({ connectionString: url, max: 1 })
  // Its database may be dropped while a connection is still closing.
  single.on('error', () => {})
  t.teardown(() => single.end())
  const query: TrafficQuery = { by: ['key'], from: new Date(march), to: new Date(march + dayMs) }
  await t.rejects(trafficReport(single, query, { timeoutMs: 100 }), { name: 'UsageError', message: /longer than 0\.1 s.*shorter period/ })
  t.strictSame((await single.query("select current_setting('statement_timeout') as t, current_setting('transaction_isolation') as i")).rows, [{ t: '0', i: 'read committed' }])
})

t.test('a role from which usage is hidden is not told that there is none', async (t) => {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  await database.pool.query(gatewayGrants(role.name))
  const pool = new pg.Pool({ connectionString: role.url })
  // Its database may be dropped while a connection is still closing.
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const query: TrafficQuery = { by: ['key'], from: new Date(march), to: new Date(march + dayMs) }
  await t.rejects(trafficReport(pool, query), { name: 'RowsHiddenError' })
})
