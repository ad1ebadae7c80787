import type pg from 'pg'
import { measures } from '../rollups/counted-rows.ts'
import { latencyColumns, percentileMs } from '../rollups/latency-buckets.ts'
import { countedUsage, Parameters, readMark } from './counted-usage.ts'
import { type Period, periodOf } from './period.ts'
import { type Ask, inSnapshot, type ReportOptions } from './snapshot.ts'
import { checked, type CheckedQuery, dimensionTypes, isOfTime, pageAfter, pageSql } from './traffic-page.ts'
import type { TrafficDimension, TrafficGroup, TrafficNumbers, TrafficQuery, TrafficReport, TrafficRow } from './traffic-query.ts'

export { errorReport } from './errors.ts'
export * from './traffic-query.ts'
export { ReportTimeoutError, type ReportOptions } from './snapshot.ts'

/**
 * Who sent how much, exact to the moment of the call, whatever is rolled up by then. Errors: UsageError for a query that
 * makes no sense, ReportTimeoutError for one that takes too long, RowsHiddenError.
 */
export async function trafficReport (client: pg.Pool | pg.ClientBase, query: TrafficQuery, options: ReportOptions = {}): Promise<TrafficReport> {
  const period = periodOf(query.from, query.to)
  const page = checked(query)
  return await inSnapshot(client, options, async (ask) => await report(ask, period, page))
}

/** In two steps: which groups are on the page, by as little as tells it; then all that is told of those, and of all together. */
async function report (ask: Ask, period: Period, page: CheckedQuery): Promise<TrafficReport> {
  const rolledUpTo = await readMark(ask)
  const ranking = new Parameters()
  const found = await ask<Ranked>(rankingSql(rolledUpTo, period, page, ranking), ranking.values)
  const ranked = found.slice(0, page.limit)
  const last = found.length > page.limit ? ranked.at(-1) : undefined

  const detail = new Parameters()
  const sums = await ask<Sums>(sumsSql(rolledUpTo, period, page, ranked, detail), detail.values)
  const byPlace = new Map(sums.map((row) => [row['place'], row]))
  return {
    ...period,
    rows: ranked.map((row, place): TrafficRow => ({ group: groupOf(page.by, row), ...numbersOf([byPlace.get(place)!]) })),
    totals: numbersOf(sums),
    nextCursor: last === undefined ? null : pageAfter(page, last),
  }
}

/** Named as the dimensions, and what it is ranked by. */
type Ranked = Record<string, number | string | Date>
/** The sums of one group of the page, by its place; of all others, where that is null. */
type Sums = Record<string, number | null>

function groupOf (by: readonly TrafficDimension[], row: Ranked): TrafficGroup {
  return Object.fromEntries(by.map((dimension) => [dimension, dimension === 'key' ? Number(row[dimension]) : row[dimension]]))
}

function numbersOf (rows: readonly Sums[]): TrafficNumbers {
  const sum = (column: string): number => rows.reduce((total, row) => total + (row[column] ?? 0), 0)
  const counts = latencyColumns.map(sum)
  const timed = counts.reduce((total, count) => total + count, 0)
  const percentile = (fraction: number): number => percentileMs(counts, fraction)!
  return {
    requests: sum('requests'),
    errors: sum('errors'),
    serverErrors: sum('server_errors'),
    requestBytes: sum('request_bytes'),
    responseBytes: sum('response_bytes'),
    latencyMs: timed === 0 ? null : { average: sum('response_ms') / timed, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) },
  }
}

const errorsSql = 'coalesce(pg_catalog.sum(requests) filter (where status_code >= 400), 0)'
const serverErrorsSql = 'coalesce(pg_catalog.sum(requests) filter (where status_code >= 500), 0)'

function rankingSql (rolledUpTo: string, period: Period, page: CheckedQuery, parameters: Parameters): string {
  const { tables, columns } = dimensionsSql(rolledUpTo, period, page, parameters)
  const { condition, order } = pageSql(page, parameters)
  return `${tables}
select * from (
  select ${page.by.map((dimension) => `${columns[dimension]}${dimension === 'route' ? ' collate "C"' : ''} as "${dimension}"`).join(', ')},
    ${page.order === 'errors' ? errorsSql : 'pg_catalog.sum(requests)'}::float8 as ${page.order === 'errors' ? 'errors' : 'requests'}
  ${groupedFrom(page)}
  group by ${page.by.map((_, i) => i + 1).join(', ')}
) as ranked
where ${condition}
order by ${order}
limit ${parameters.of(page.limit + 1, 'integer')}`
}

function sumsSql (rolledUpTo: string, period: Period, page: CheckedQuery, ranked: readonly Ranked[], parameters: Parameters): string {
  const { tables, columns } = dimensionsSql(rolledUpTo, period, page, parameters)
  const values = page.by.map((dimension) => parameters.of(ranked.map((row) => row[dimension]), `${dimensionTypes[dimension]}[]`))
  return `${tables}, page as (
  select * from unnest(${values.join(', ')}) with ordinality as p (${page.by.map((_, i) => `d${i}`).join(', ')}, place)
)
select (page.place - 1)::integer as place, ${measures.map((column) => `pg_catalog.sum(${column})::float8 as ${column}`).join(', ')},
  ${errorsSql}::float8 as errors, ${serverErrorsSql}::float8 as server_errors
${groupedFrom(page)}
left join page on ${page.by.map((dimension, i) => `page.d${i} = ${columns[dimension]}`).join(' and ')}
group by page.place`
}

/** SQL: the tables that the dimensions' columns are taken from, and these. */
function dimensionsSql (rolledUpTo: string, period: Period, { by, filter }: CheckedQuery, parameters: Parameters): { tables: string, columns: Record<TrafficDimension, string> } {
  const timeUnit = by.includes('hour') ? 'hour' : by.some(isOfTime) ? 'day' : null
  const counted = countedUsage(rolledUpTo, { period, filter, timeUnit, parameters })
  const from = `pg_catalog.date_trunc('${timeUnit ?? 'day'}', ${parameters.of(period.from, 'timestamptz')}, 'UTC')`
  return {
    // A calendar, made once, since to make the month out of a time takes Postgres longer than all else that it does
    // with a row.
    tables: `
with counted as (
${counted}
), calendar as materialized (
  select t as "time", pg_catalog.date_trunc('day', t, 'UTC') as day, pg_catalog.date_trunc('month', t, 'UTC') as month
  from pg_catalog.generate_series(${from}, ${parameters.of(period.to, 'timestamptz')}, interval '1 ${timeUnit ?? 'day'}') as t
)`,
    columns: {
      key: 'counted.api_key_id',
      user: 'keys.user_id',
      route: 'counted.route',
      status: 'counted.status_code',
      statusClass: '(counted.status_code / 100)',
      hour: 'counted."time"',
      day: timeUnit === 'hour' ? 'calendar.day' : 'counted."time"',
      month: 'calendar.month',
    },
  }
}

function groupedFrom ({ by }: CheckedQuery): string {
  const usesCalendar = by.includes('month') || (by.includes('hour') && by.includes('day'))
  return `from counted${
    usesCalendar ? '\n  join calendar on calendar."time" = counted."time"' : ''}${
    by.includes('user') ? '\n  join public.api_keys as keys on keys.id = counted.api_key_id' : ''}`
}
