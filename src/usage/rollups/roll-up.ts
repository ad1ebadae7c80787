import type pg from 'pg'
import { hidesRows, RowsHiddenError } from '../../database/hidden-rows.ts'
import { sqlState } from '../../database/sqlstate.ts'
import { countedRows, measures } from './counted-rows.ts'
import { latencyColumns } from './latency-buckets.ts'
import { hasBegunAnew, settledId } from './settled.ts'

export interface RollUpOptions {
  /** Nothing is done where anybody rolled up less than this ago. Default: 0. */
  readonly notWithinMs?: number
  /** How long transactions that may still bring rows are waited for. */
  readonly settleTimeoutMs: number
  /** Rows that one transaction counts at most. */
  readonly stepRows?: number
  readonly signal?: AbortSignal
}

/**
 * `caught up`: everything settled has been counted. `not due`: somebody did it a moment ago. `busy`: somebody is at it.
 * `unsettled`: a transaction that may still bring rows hasn't ended. `locked`: somebody holds a key or a table.
 * `aborted`: by the signal.
 */
export type RollUpOutcome = 'caught up' | 'not due' | 'busy' | 'unsettled' | 'locked' | 'aborted'

/**
 * Counts what is in api_key_usage and hasn't been counted, whoever inserted it, in steps of one transaction each: from
 * the first row of a table that has been there for years to the last one that is settled. Each row is counted once,
 * whoever else does this at the same time, and wherever it is cut off. Errors: those of Postgres, RowsHiddenError.
 */
export async function rollUp (pool: pg.Pool, { notWithinMs = 0, settleTimeoutMs, stepRows = stepRowsDefault, signal }: RollUpOptions): Promise<RollUpOutcome> {
  const { rows: [state] } = await pool.query<{ is_due: boolean }>(isDueSql, [notWithinMs])
  if (state?.is_due !== true) return 'not due'
  const settled = await settledId(pool, { timeoutMs: settleTimeoutMs, ...signal === undefined ? {} : { signal } })
  if (settled === null) return signal?.aborted === true ? 'aborted' : 'unsettled'
  for (;;) {
    if (signal?.aborted === true) return 'aborted'
    try {
      const outcome = await step(pool, settled, stepRows)
      if (outcome !== 'more') return outcome
    } catch (err) {
      if (sqlState(err) === lockNotAvailable) return 'locked'
      throw err
    }
  }
}

const lockNotAvailable = '55P03'

/**
 * Half a second's work or so. Whoever wants to delete a key, of which rows are being counted, waits for that long; new
 * rows of it don't.
 */
const stepRowsDefault = 50_000

async function step (pool: pg.Pool, settled: number, stepRows: number): Promise<'more' | 'caught up' | 'busy'> {
  const client = await pool.connect()
  let isReusable = false
  try {
    await client.query(beginSql)
    const outcome = await countNext(client, settled, stepRows)
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new Error(`Postgres answered ${command} to the commit of a roll-up`)
    isReusable = true
    return outcome
  } finally {
    // Ends the transaction as well.
    client.release(!isReusable)
  }
}

async function countNext (client: pg.ClientBase, settled: number, stepRows: number): Promise<'more' | 'caught up' | 'busy'> {
  const { rows: [mark] } = await client.query<{ rolled_up_to: string, hides_rows: boolean }>(takeMarkSql)
  if (mark === undefined) return 'busy'
  if (mark.hides_rows) throw new RowsHiddenError('api_key_usage, api_keys or the roll-ups')
  if (Number(mark.rolled_up_to) > settled && await hasBegunAnew(client, mark.rolled_up_to)) {
    await client.query(moveMarkSql, [0])
    return 'more'
  }
  if (Number(mark.rolled_up_to) >= settled) return 'caught up'
  const { rows: [next] } = await client.query<{ count: number, last_id: string }>(nextRowsSql, [mark.rolled_up_to, settled, stepRows])
  const { count, last_id: lastId } = next!
  const isLast = count < stepRows
  if (count > 0) await client.query(countSql, [mark.rolled_up_to, lastId])
  await client.query(moveMarkSql, [isLast ? settled : lastId])
  return isLast ? 'caught up' : 'more'
}

// As in stores/postgres.ts, the role's search_path decides nothing.

/** Somebody else's moving of the mark isn't waited for here. */
const isDueSql = `
select rolled_up_at <= pg_catalog.now() - pg_catalog.make_interval(secs => $1::float8 / 1000) as is_due from latchkey.usage_rollup`

/**
 * Read committed, so that the rows are looked at after the mark is locked. One whose gateway has vanished ends soon and
 * lets the next one have the mark.
 */
const beginSql = `
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '5s';
set local statement_timeout = '30s';
set local lock_timeout = '2s'`

/**
 * One process at a time; the others have nothing to wait for. Rows that row-level security hides would be passed over
 * for good.
 */
const takeMarkSql = `
select rolled_up_to::text,
  ${[
    hidesRows("'public.api_key_usage'::regclass"), hidesRows("'public.api_keys'::regclass"), hidesRows("'public.api_keys'::regclass", 'UPDATE'),
    hidesRows("'latchkey.usage_hourly'::regclass", 'UPDATE'), hidesRows("'latchkey.usage_daily'::regclass", 'UPDATE'),
  ].join('\n  or ')} as hides_rows
from latchkey.usage_rollup
for update skip locked`

/** By the primary key, so that the gaps that rollbacks leave cost nothing. */
const nextRowsSql = `
select pg_catalog.count(*)::int as count, pg_catalog.max(id)::text as last_id
from (select id from public.api_key_usage where id > $1::bigint and id <= $2::bigint order by id limit $3::int) as following`

/**
 * A key that is deleted meanwhile takes its rows with it. Its row is locked as the foreign keys' check would lock it, so
 * that none goes between here and there, but without waiting for anybody: whoever deletes keys and waits for us could
 * otherwise be waited for by us, and Postgres might end either. The caller tries again.
 */
const countSql = `
with counted as materialized (${countedRows('id > $1::bigint and id <= $2::bigint')}
), keys as materialized (
  select id::bigint as id from public.api_keys where id = any (array(select distinct api_key_id from counted))
  for key share nowait
), hourly as (
  insert into latchkey.usage_hourly as present (api_key_id, hour, route, status_code, ${measures.join(', ')})
  select api_key_id, hour, route, status_code, ${measures.join(', ')}
  from counted join keys on keys.id = api_key_id
  ${addOnConflict('hour')}
)
insert into latchkey.usage_daily as present (api_key_id, day, route, status_code, ${measures.join(', ')})
select api_key_id, pg_catalog.date_trunc('day', hour, 'UTC') as day, route, status_code,
  ${measures.map((column) => `pg_catalog.sum(${column})::bigint`).join(', ')}
from counted join keys on keys.id = api_key_id
group by api_key_id, day, route, status_code
${addOnConflict('day')}`

/** Null stands for 0 in the histogram, and nothing but null for null. */
function addOnConflict (time: 'hour' | 'day'): string {
  const sums = measures.map((column) => latencyColumns.includes(column)
    ? `${column} = coalesce(present.${column} + excluded.${column}, present.${column}, excluded.${column})`
    : `${column} = present.${column} + excluded.${column}`)
  return `on conflict (api_key_id, ${time}, route, status_code) do update set\n  ${sums.join(',\n  ')}`
}

const moveMarkSql = 'update latchkey.usage_rollup set rolled_up_to = $1::bigint, rolled_up_at = pg_catalog.now()'
