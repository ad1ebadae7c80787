import type pg from 'pg'
import { checkAsked } from './checks.ts'
import { countedUsage, Parameters, readMark } from './counted-usage.ts'
import { type Period, periodOf } from './period.ts'
import { inSnapshot, type ReportOptions } from './snapshot.ts'
import { type ErrorQuery, type ErrorReport, type ErrorRow, limitMax } from './traffic-query.ts'

const limitDefault = 20

/**
 * The commonest errors, a status of 400 or above: which key, on which route, with which status. Exact to the moment of
 * the call. Errors: UsageError for a query that makes no sense, ReportTimeoutError, RowsHiddenError.
 */
export async function errorReport (client: pg.Pool | pg.ClientBase, { from, to, filter = {}, limit = limitDefault }: ErrorQuery, options: ReportOptions = {}): Promise<ErrorReport> {
  const period = periodOf(from, to)
  checkAsked({ filter, limit, limitMax, unit: 'rows' })
  return await inSnapshot(client, options, async (ask) => {
    const parameters = new Parameters()
    const counted = countedUsage(await readMark(ask), { period, filter, errorsOnly: true, measures: ['requests'], parameters })
    const rows = await ask<ErrorRow & { key: string }>(errorSql(counted, period, limit, parameters), parameters.values)
    return { ...period, rows: rows.map((row) => ({ ...row, key: Number(row.key) })) }
  })
}

/** Where the last time is a day, the hour of that day is looked up: by the primary key, for the few rows that are left. */
function errorSql (counted: readonly string[], { to }: Period, limit: number, parameters: Parameters): string {
  return `
with counted as (
${counted.join('\nunion all\n')}
), commonest as (
  select api_key_id, route, status_code, pg_catalog.sum(requests)::float8 as requests, pg_catalog.max("time") as last_time
  from counted
  group by api_key_id, route, status_code
  order by requests desc, api_key_id, route collate "C", status_code
  limit ${parameters.of(limit, 'integer')}
)
select api_key_id as key, route, status_code as status, requests, greatest(last_time, (
    select pg_catalog.max(h.hour)
    from latchkey.usage_hourly as h
    where h.api_key_id = c.api_key_id and h.route = c.route and h.status_code = c.status_code
      and h.hour >= c.last_time and h.hour < ${parameters.of(to, 'timestamptz')}
  )) as "lastHour"
from commonest as c
order by requests desc, api_key_id, route collate "C", status_code`
}
