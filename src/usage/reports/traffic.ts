import type pg from 'pg'
import { measures } from '../rollups/counted-rows.ts'
import { latencyColumns, percentileMs } from '../rollups/latency-buckets.ts'
import { countedUsage, Parameters, readMark } from './counted-usage.ts'
import { type Period, periodOf } from './period.ts'
import { type Ask, inSnapshot, type ReportOptions } from './snapshot.ts'
import { checked, type CheckedQuery, isOfTime, pageAfter, pageSql } from './traffic-page.ts'
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

async function report (ask: Ask, period: Period, page: CheckedQuery): Promise<TrafficReport> {
  const parameters = new Parameters()
  const text = reportSql(await readMark(ask), period, page, parameters)
  const [totals, ...found] = await ask<Found>(text, parameters.values)
  const rows = found.slice(0, page.limit)
  const last = found.length > page.limit ? rows.at(-1) : undefined
  return {
    ...period,
    rows: rows.map((row): TrafficRow => ({ group: groupOf(page.by, row), ...numbersOf(row) })),
    totals: numbersOf(totals!),
    nextCursor: last === undefined ? null : pageAfter(page, last),
  }
}

/** One of a report's rows, or all of them together. */
type Found = Record<string, number | string | Date>

function groupOf (by: readonly TrafficDimension[], row: Found): TrafficGroup {
  return Object.fromEntries(by.map((dimension) => [dimension, dimension === 'key' ? Number(row[dimension]) : row[dimension]]))
}

function numbersOf (row: Found): TrafficNumbers {
  const number = (column: string): number => Number(row[column])
  const counts = latencyColumns.map(number)
  const timed = counts.reduce((sum, count) => sum + count, 0)
  const percentile = (fraction: number): number => percentileMs(counts, fraction)!
  return {
    requests: number('requests'),
    errors: number('errors'),
    serverErrors: number('server_errors'),
    requestBytes: number('request_bytes'),
    responseBytes: number('response_bytes'),
    latencyMs: timed === 0 ? null : { average: number('response_ms') / timed, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) },
  }
}

const sums = [...measures, 'errors', 'server_errors']

/** Columns are named as the dimensions; the first row is all of them together. */
function reportSql (rolledUpTo: string, period: Period, page: CheckedQuery, parameters: Parameters): string {
  const { by, filter, limit } = page
  const timeUnit = by.includes('hour') ? 'hour' : by.some(isOfTime) ? 'day' : null
  const counted = countedUsage(rolledUpTo, { period, filter, timeUnit, parameters })
  const { condition, order } = pageSql(page, parameters)
  return `
with counted as (
${counted}
), ${groupedSql(by, timeUnit)}, page as (
  select *, pg_catalog.row_number() over (order by ${order}) as place
  from grouped
  where ${condition}
  order by ${order}
  limit ${parameters.of(limit + 1, 'integer')}
)
select ${by.map((dimension) => `null as "${dimension}"`).join(', ')}, ${sums.map((column) => `pg_catalog.sum(${column}) as ${column}`).join(', ')}, 0 as place
from grouped
union all
select * from page
order by place`
}

/**
 * The table "grouped", with the dimensions' names. Counted in two steps where that is less work: a user is looked up once
 * a key and not once a row, a month made out once a day.
 */
function groupedSql (by: readonly TrafficDimension[], timeUnit: 'hour' | 'day' | null): string {
  const fine = [
    ...timeUnit === null ? [] : ['"time"'],
    ...by.includes('key') || by.includes('user') ? ['api_key_id'] : [],
    ...by.includes('route') ? ['route'] : [],
    ...by.includes('status') ? ['status_code'] : by.includes('statusClass') ? ['status_code / 100'] : [],
  ]
  const names = fine.map((column) => column === 'status_code / 100' ? 'status_class' : column)
  const isCoarser = by.includes('user') || by.includes('month') || (timeUnit === 'hour' && by.includes('day'))
  const aggregated = (column: string): string => isCoarser ? `pg_catalog.sum(${column})::float8 as ${column}` : `${column}::float8`
  return `fine as (
  select ${fine.map((column, i) => `${column} as ${names[i]}`).join(', ')}, ${measures.map((column) => `pg_catalog.sum(${column})::bigint as ${column}`).join(', ')},
    coalesce(pg_catalog.sum(requests) filter (where status_code >= 400), 0)::bigint as errors,
    coalesce(pg_catalog.sum(requests) filter (where status_code >= 500), 0)::bigint as server_errors
  from counted
  group by ${fine.map((_, i) => i + 1).join(', ')}
), grouped as materialized (
  select ${by.map((dimension) => `${dimensionSql(dimension, by, timeUnit)} as "${dimension}"`).join(', ')}, ${sums.map(aggregated).join(', ')}
  from fine${by.includes('user') ? ' join public.api_keys as k on k.id = api_key_id' : ''}
  ${isCoarser ? `group by ${by.map((_, i) => i + 1).join(', ')}` : ''}
)`
}

/** In terms of "fine". Text in an order that is the same in every database, as cursors go by it. */
function dimensionSql (dimension: TrafficDimension, by: readonly TrafficDimension[], timeUnit: 'hour' | 'day' | null): string {
  switch (dimension) {
    case 'key': return 'api_key_id'
    case 'user': return 'k.user_id'
    case 'route': return 'route collate "C"'
    case 'status': return 'status_code'
    case 'statusClass': return by.includes('status') ? 'status_code / 100' : 'status_class'
    case 'hour': return '"time"'
    case 'day': return timeUnit === 'day' ? '"time"' : 'pg_catalog.date_trunc(\'day\', "time", \'UTC\')'
    case 'month': return 'pg_catalog.date_trunc(\'month\', "time", \'UTC\')'
  }
}
