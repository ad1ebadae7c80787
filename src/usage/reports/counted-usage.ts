import { hidesRows, RowsHiddenError } from '../../database/hidden-rows.ts'
import { countedRows, measures as allMeasures } from '../rollups/counted-rows.ts'
import { type Period, splitByDays } from './period.ts'
import type { Ask } from './snapshot.ts'
import type { TrafficFilter } from './traffic-query.ts'

/** Values of a statement's parameters, as they come. */
export class Parameters {
  readonly values: unknown[] = []

  /** SQL: the parameter that has the value. */
  of (value: unknown, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}

export interface CountedUsageOptions {
  readonly period: Period
  readonly filter: TrafficFilter
  /** Of these keys alone. */
  readonly keyIds?: readonly number[]
  /** Errors alone: a status of 400 or above. */
  readonly errorsOnly?: boolean
  /** What `time` has to tell apart. Default: nothing, and it is the beginning of the hour or the day. */
  readonly timeUnit?: 'hour' | 'day' | null
  /** Default: all. A query that needs few is to ask for few: those that are alike in all tables can be read without a conversion. */
  readonly measures?: readonly string[]
  readonly parameters: Parameters
}

/**
 * SQL: queries that together give all usage of a period, counted: whole days from usage_daily, the hours around them
 * from usage_hourly, and what isn't rolled up yet from the rows themselves. `rolledUpTo` must have been read in the same
 * snapshot. Columns: `time`, `api_key_id`, `route`, `status_code`, and the measures asked for.
 */
export function countedUsage (rolledUpTo: string, { period, filter, keyIds, errorsOnly = false, timeUnit = null, measures = allMeasures, parameters }: CountedUsageOptions): string[] {
  const conditions = [...filterConditions(filter, parameters), ...keyIds === undefined ? [] : [`api_key_id = any (${parameters.of(keyIds, 'bigint[]')})`], ...errorsOnly ? ['status_code >= 400'] : []]
  const { days, hours } = timeUnit === 'hour' ? { days: null, hours: [period] } : splitByDays(period)
  const time = (column: string): string => timeUnit === 'day' ? `pg_catalog.date_trunc('day', ${column}, 'UTC')` : column
  const within = ({ from, to }: Period, column: string): string =>
    `${column} >= ${parameters.of(from, 'timestamptz')} and ${column} < ${parameters.of(to, 'timestamptz')}`
  const select = (timeSql: string, from: string, condition: string): string =>
    `select ${timeSql} as "time", api_key_id, route, status_code, ${measures.join(', ')} from ${from} where ${[condition, ...conditions].join(' and ')}`
  const rest = countedRows(`id > ${parameters.of(rolledUpTo, 'bigint')} and ${within(period, 'created_at')}`)
  return [
    ...days === null ? [] : [select('day', 'latchkey.usage_daily', within(days, 'day'))],
    ...hours.map((edge) => select(time('hour'), 'latchkey.usage_hourly', within(edge, 'hour'))),
    select(time('hour'), `(${rest}) as rest`, 'true'),
  ]
}

/** Of the tables' columns; a key's are compared as numbers, a user's keys are found once. */
function filterConditions ({ keyId, userId, route, status, statusClass }: TrafficFilter, parameters: Parameters): string[] {
  return [
    ...keyId === undefined ? [] : [`api_key_id = ${parameters.of(keyId, 'bigint')}`],
    ...userId === undefined ? [] : [`api_key_id = any (array(select k.id::bigint from public.api_keys as k where k.user_id = ${parameters.of(userId, 'uuid')}))`],
    ...route === undefined ? [] : [`route = ${parameters.of(route, 'text')}`],
    ...status === undefined ? [] : [`status_code = ${parameters.of(status, 'integer')}`],
    ...statusClass === undefined ? [] : [`status_code / 100 = ${parameters.of(statusClass, 'integer')}`],
  ]
}

/** The id up to which rows are rolled up. Errors: RowsHiddenError where the role would take rows for missing. */
export async function readMark (ask: Ask): Promise<string> {
  const [row] = await ask<{ rolled_up_to: string | null, hides_rows: boolean }>(markSql, [])
  if (row === undefined || row.hides_rows || row.rolled_up_to === null) throw new RowsHiddenError('usage')
  return row.rolled_up_to
}

const readTables = ['public.api_keys', 'public.api_key_usage', 'latchkey.usage_hourly', 'latchkey.usage_daily', 'latchkey.usage_rollup']

const markSql = `
select (select rolled_up_to::text from latchkey.usage_rollup) as rolled_up_to,
  ${readTables.map((table) => hidesRows(`'${table}'::regclass`)).join('\n  or ')} as hides_rows`
