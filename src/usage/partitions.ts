import type pg from 'pg'

/** Months beyond the present one that have a partition: time enough to notice, should no gateway be able to make more. */
const monthsAhead = 3

/** Returns how many were made; none where the table isn't partitioned. */
export async function makePartitions (pool: pg.Pool): Promise<number> {
  const { rows: [row] } = await pool.query<{ made: number }>('select latchkey.make_usage_partitions($1) as made', [monthsAhead])
  return row?.made ?? 0
}

export interface DroppedUsage {
  /** Names of the months' tables. */
  readonly partitions: readonly string[]
  /** Something as old is kept, as it isn't rolled up yet. */
  readonly leavesUncounted: boolean
}

/**
 * Drops the months that are wholly older than `retentionMs`, by this machine's clock as well as by the database's, since
 * either may be wrong, and whose rows are all rolled up. `not partitioned`: nothing can be dropped by months.
 */
export async function dropOldPartitions (pool: pg.Pool, retentionMs: number, nowMs = Date.now()): Promise<DroppedUsage | 'not partitioned'> {
  const client = await pool.connect()
  let isReusable = false
  try {
    const { rows: [found] } = await client.query<{ before: Date, is_partitioned: boolean }>(findSql, [new Date(nowMs - retentionMs), retentionMs / 1000])
    if (found?.is_partitioned !== true) {
      isReusable = true
      return 'not partitioned'
    }
    await client.query(beginSql)
    const { rows: dropped } = await client.query<{ name: string }>('select name from latchkey.drop_usage_partitions($1) as name', [found.before])
    await client.query('commit')
    // Whatever becomes of the question, they are dropped.
    const left = await client.query<{ has_uncounted: boolean }>(hasUncountedSql, [found.before]).catch(() => null)
    isReusable = left !== null
    return { partitions: dropped.map(({ name }) => name), leavesUncounted: left?.rows[0]?.has_uncounted !== false }
  } finally {
    client.release(!isReusable)
  }
}

const findSql = `
select least($1::timestamptz, pg_catalog.now() - pg_catalog.make_interval(secs => $2::float8)) as before,
  (select relkind = 'p' from pg_catalog.pg_class where oid = 'public.api_key_usage'::regclass) as is_partitioned`

/** Writers wait behind this, for no longer than they can stand. */
const beginSql = `
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '5s'`

const hasUncountedSql = `
select exists (
  select from public.api_key_usage
  where id > (select rolled_up_to from latchkey.usage_rollup) and created_at < $1::timestamptz
) as has_uncounted`
