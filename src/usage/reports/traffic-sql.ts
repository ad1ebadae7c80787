import { measures } from '../rollups/counted-rows.ts'
import { countedUsage, Parameters } from './counted-usage.ts'
import type { Period } from './period.ts'
import { type CheckedQuery, dimensionTypes, isOfTime, pageSql } from './traffic-page.ts'
import type { TrafficDimension } from './traffic-query.ts'

/** A statement of a report, complete. */
export interface Statement {
  readonly text: string
  readonly values: unknown[]
}

/** What is summed up for each group, by the names of the results' columns. All in float8: exact up to 2^53, and small while it is added up. */
const sums: Readonly<Record<string, string>> = {
  ...Object.fromEntries(measures.map((column) => [column, `pg_catalog.sum(${column}::float8)`])),
  errors: 'coalesce(pg_catalog.sum(requests::float8) filter (where status_code >= 400), 0)',
  server_errors: 'coalesce(pg_catalog.sum(requests::float8) filter (where status_code >= 500), 0)',
}

const sumsSql = Object.entries(sums).map(([name, sum]) => `${sum} as ${name}`).join(', ')
const sumsOfSums = Object.keys(sums).map((name) => `pg_catalog.sum(${name}) as ${name}`).join(', ')

/**
 * The groups of the page by `place`, from 1, with all that is told of them, and the totals, whose `place` is null. One
 * pass over all there is, for which all groups are held in memory.
 */
export function atOnceSql (rolledUpTo: string, period: Period, page: CheckedQuery): Statement {
  const parameters = new Parameters()
  const { columns, counted, joins } = dimensionsSql(rolledUpTo, period, page, measures, parameters)
  const { condition, order } = pageSql(page, parameters)
  const groups = page.by.map((_, i) => i + 1).join(', ')
  // Each table is summed up by itself: brought to a common form first, its rows would take twice the time.
  const branches = counted.map((query) => `
  select ${page.by.map((dimension) => `${columns[dimension]} as "${dimension}"`).join(', ')}, ${sumsSql}
  from (${query}) as counted${joins}
  group by ${groups}`)
  const text = `
with grouped as materialized (
  select ${page.by.map((dimension) => named(`"${dimension}"`, dimension)).join(', ')}, ${sumsOfSums}
  from (${branches.join('\n  union all')}
  ) as branch
  group by ${groups}
), page as (
  select pg_catalog.row_number() over (order by ${order})::integer as place, grouped.*
  from grouped
  where ${condition}
  order by place
  limit ${parameters.of(page.limit + 1, 'integer')}
)
select * from page
union all
select null, ${page.by.map((dimension) => `null::${dimensionTypes[dimension]}`).join(', ')}, ${sumsOfSums} from grouped`
  return { text, values: parameters.values }
}

/** Which groups are on the page, by as little as tells it. */
export function rankingSql (rolledUpTo: string, period: Period, page: CheckedQuery): Statement {
  const parameters = new Parameters()
  const { columns, counted, joins } = dimensionsSql(rolledUpTo, period, page, ['requests'], parameters)
  const { condition, order } = pageSql(page, parameters)
  const metric = page.order === 'errors' ? 'errors' : 'requests'
  const text = `
select * from (
  select ${page.by.map((dimension) => named(columns[dimension], dimension)).join(', ')}, ${sums[metric]} as ${metric}
  from (
${counted.join('\nunion all\n')}
  ) as counted${joins}
  group by ${page.by.map((_, i) => i + 1).join(', ')}
) as ranked
where ${condition}
order by ${order}
limit ${parameters.of(page.limit + 1, 'integer')}`
  return { text, values: parameters.values }
}

/** All that is told of groups, by their `place`, from 1; of all others together, where it is null. */
export function detailSql (rolledUpTo: string, period: Period, page: CheckedQuery, ranked: readonly Readonly<Record<string, unknown>>[]): Statement {
  const parameters = new Parameters()
  const { columns, counted, joins } = dimensionsSql(rolledUpTo, period, page, measures, parameters)
  const groups = page.by.map((dimension) => parameters.of(ranked.map((row) => row[dimension]), `${dimensionTypes[dimension]}[]`))
  // Not by a common table expression, which parallel workers may not read.
  const places = `unnest(${groups.join(', ')}) with ordinality as page (${page.by.map((_, i) => `d${i}`).join(', ')}, place)`
  const branches = counted.map((query) => `
  select page.place, ${sumsSql}
  from (${query}) as counted${joins}
  left join ${places} on ${page.by.map((dimension, i) => `page.d${i} = ${columns[dimension]}`).join(' and ')}
  group by page.place`)
  const text = `
select place::integer as place, ${sumsOfSums}
from (${branches.join('\n  union all')}
) as branch
group by place`
  return { text, values: parameters.values }
}

/** Routes are in the order of their bytes, whatever the database's language. */
function named (column: string, dimension: TrafficDimension): string {
  return `${column}${dimension === 'route' ? ' collate "C"' : ''} as "${dimension}"`
}

interface Dimensions {
  /** Queries, to be read as `counted`. */
  readonly counted: readonly string[]
  /** What each of them is joined with. */
  readonly joins: string
  /** Of both. */
  readonly columns: Readonly<Record<TrafficDimension, string>>
}

function dimensionsSql (rolledUpTo: string, period: Period, { by, filter }: CheckedQuery, measures: readonly string[], parameters: Parameters): Dimensions {
  const timeUnit = by.includes('hour') ? 'hour' : by.some(isOfTime) ? 'day' : null
  const usesCalendar = by.includes('month') || (by.includes('hour') && by.includes('day'))
  return {
    counted: countedUsage(rolledUpTo, { period, filter, timeUnit, measures, parameters }),
    joins: `${
      usesCalendar ? `\n  join ${calendarSql(period, timeUnit ?? 'day', parameters)} on calendar."time" = counted."time"` : ''}${
      by.includes('user') ? '\n  join public.api_keys as keys on keys.id = counted.api_key_id' : ''}`,
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

/**
 * Of each hour or day its day and month, made once, which the offset sees to: to make a month out of a time takes
 * Postgres longer than all else that it does with a row. A plain `offset 0` would keep parallel workers out.
 */
function calendarSql ({ from, to }: Period, unit: 'hour' | 'day', parameters: Parameters): string {
  const times = `pg_catalog.generate_series(pg_catalog.date_trunc('${unit}', ${parameters.of(from, 'timestamptz')}, 'UTC'), ${parameters.of(to, 'timestamptz')}, interval '${unit === 'hour' ? 1 : 24} hours')`
  return `(
    select t as "time", pg_catalog.date_trunc('day', t, 'UTC') as day, pg_catalog.date_trunc('month', t, 'UTC') as month from ${times} as t offset '0'
  ) as calendar`
}
