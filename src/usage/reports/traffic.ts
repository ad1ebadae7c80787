import type pg from 'pg'
import { latencyColumns, percentileMs } from '../rollups/latency-buckets.ts'
import { readMark } from './counted-usage.ts'
import { type Period, periodOf } from './period.ts'
import { type Ask, inSnapshot, type ReportOptions } from './snapshot.ts'
import { checked, type CheckedQuery, pageAfter } from './traffic-page.ts'
import type { TrafficDimension, TrafficGroup, TrafficNumbers, TrafficQuery, TrafficReport, TrafficRow } from './traffic-query.ts'
import { atOnceSql, detailSql, rankingSql } from './traffic-sql.ts'

export { errorReport } from './errors.ts'
export * from './traffic-query.ts'
export { ReportTimeoutError, type ReportOptions } from './snapshot.ts'

export interface TrafficOptions extends ReportOptions {
  /**
   * Groups of which all numbers are added up at once. Beyond so many it would take more memory, and then time, than to
   * look twice. Default: 50,000.
   */
  readonly groupsInMemoryMax?: number
}

/**
 * Who sent how much, exact to the moment of the call, whatever is rolled up by then. Errors: UsageError for a query that
 * makes no sense, ReportTimeoutError for one that takes too long, RowsHiddenError.
 */
export async function trafficReport (client: pg.Pool | pg.ClientBase, query: TrafficQuery, options: TrafficOptions = {}): Promise<TrafficReport> {
  const period = periodOf(query.from, query.to)
  const page = checked(query)
  return await inSnapshot(client, options, async (ask) => await report(ask, period, page, options))
}

const groupsInMemoryDefault = 50_000

async function report (ask: Ask, period: Period, page: CheckedQuery, { groupsInMemoryMax = groupsInMemoryDefault }: TrafficOptions): Promise<TrafficReport> {
  const rolledUpTo = await readMark(ask)
  const find = await groupsExpected(ask, period, page) <= groupsInMemoryMax ? atOnce : inTwoSteps
  const { groups, hasMore, totals } = await find(ask, rolledUpTo, period, page)
  return {
    ...period,
    rows: groups.map((group): TrafficRow => ({ group: groupOf(page.by, group), ...numbersOf([group]) })),
    totals: numbersOf(totals),
    nextCursor: hasMore ? pageAfter(page, groups.at(-1)!) : null,
  }
}

/** Named as the dimensions, and as what is told of a group. */
type Row = Readonly<Record<string, number | string | Date | null>>

interface Found {
  /** Of the page, in their order. */
  readonly groups: readonly Row[]
  /** Behind these. */
  readonly hasMore: boolean
  /** Those of all groups are their sums. */
  readonly totals: readonly Row[]
}

async function atOnce (ask: Ask, rolledUpTo: string, period: Period, page: CheckedQuery): Promise<Found> {
  const { text, values } = atOnceSql(rolledUpTo, period, page)
  const rows = await ask<Row>(text, values)
  const ranked = rows.filter(({ place }) => place !== null).sort((one, other) => Number(one['place']) - Number(other['place']))
  return { groups: ranked.slice(0, page.limit), hasMore: ranked.length > page.limit, totals: rows.filter(({ place }) => place === null) }
}

/** First which groups are on the page, by as little as tells it; then all that is told of those, and of all others together. */
async function inTwoSteps (ask: Ask, rolledUpTo: string, period: Period, page: CheckedQuery): Promise<Found> {
  const ranking = rankingSql(rolledUpTo, period, page)
  const found = await ask<Row>(ranking.text, ranking.values)
  const ranked = found.slice(0, page.limit)
  const detail = detailSql(rolledUpTo, period, page, ranked)
  const sums = await ask<Row>(detail.text, detail.values)
  const byPlace = new Map(sums.map((row) => [row['place'], row]))
  return { groups: ranked.map((row, i) => ({ ...byPlace.get(i + 1), ...row })), hasMore: found.length > page.limit, totals: sums }
}

/** How many of each there are at most, as a rule. */
const routesUsual = 50
const statusesUsual = 10
const statusClasses = 6
const hourMs = 3_600_000

/** A guess: a wrong one costs time. */
async function groupsExpected (ask: Ask, { from, to }: Period, { by, filter }: CheckedQuery): Promise<number> {
  const keys = filter.keyId === undefined && (by.includes('key') || by.includes('user')) ? await keysAbout(ask) : 1
  const hours = (to.getTime() - from.getTime()) / hourMs
  const sizes: Record<TrafficDimension, number> = {
    key: keys,
    user: keys,
    route: filter.route === undefined ? routesUsual : 1,
    status: filter.status === undefined ? statusesUsual : 1,
    statusClass: statusClasses,
    hour: hours,
    day: by.includes('hour') ? 1 : Math.ceil(hours / 24),
    month: by.includes('hour') || by.includes('day') ? 1 : Math.ceil(hours / 24 / 28),
  }
  return by.reduce((product, dimension) => product * sizes[dimension], 1)
}

/** As Postgres itself would estimate it, and for a table that nobody has counted yet by its size. */
const keysAboutSql = `
select case when reltuples >= 0 then reltuples else pg_catalog.pg_relation_size(oid) / 200 end::float8 as keys
from pg_catalog.pg_class where oid = 'public.api_keys'::regclass`

async function keysAbout (ask: Ask): Promise<number> {
  const [row] = await ask<{ keys: number }>(keysAboutSql, [])
  return Math.max(row?.keys ?? 0, 1)
}

function groupOf (by: readonly TrafficDimension[], row: Row): TrafficGroup {
  return Object.fromEntries(by.map((dimension) => [dimension, dimension === 'key' ? Number(row[dimension]) : row[dimension]]))
}

function numbersOf (rows: readonly Row[]): TrafficNumbers {
  const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[column] ?? 0), 0)
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
