import type pg from 'pg'

/** Months beyond the present one that have a partition: time enough to notice, should no gateway be able to make more. */
const monthsAhead = 3

/** Returns how many were made; none where the table isn't partitioned. */
export async function makePartitions (pool: pg.Pool): Promise<number> {
  const { rows: [row] } = await pool.query<{ made: number }>('select latchkey.make_usage_partitions($1) as made', [monthsAhead])
  return row?.made ?? 0
}

/**
 * Drops the months that are wholly older than `retentionMs`, by this machine's clock as well as by the database's, since
 * either may be wrong; returns their names. `uncounted`: it didn't, as there are rows among them that aren't rolled up.
 * `not partitioned`: nothing can be dropped by months.
 */
export async function dropOldPartitions (pool: pg.Pool, retentionMs: number, nowMs = Date.now()): Promise<string[] | 'uncounted' | 'not partitioned'> {
  const client = await pool.connect()
  let isReusable = false
  try {
    const { rows: [found] } = await client.query<Found>(findSql, [new Date(nowMs - retentionMs), retentionMs / 1000])
    if (found?.is_partitioned !== true) {
      isReusable = true
      return 'not partitioned'
    }
    const { before } = found
    await client.query(beginSql)
    if (found.has_old_rows && found.can_lock) await client.query(lockSql)
    const { rows: [check] } = await client.query<{ has_uncounted: boolean }>(hasUncountedSql, [before])
    const dropped = check?.has_uncounted !== false ? 'uncounted' : await drop(client, before)
    await client.query('commit')
    isReusable = true
    return dropped
  } finally {
    client.release(!isReusable)
  }
}

async function drop (client: pg.ClientBase, before: Date): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from latchkey.drop_usage_partitions($1) as name', [before])
  return rows.map(({ name }) => name)
}

interface Found {
  before: Date
  is_partitioned: boolean
  has_old_rows: boolean
  can_lock: boolean
}

/** Rows in the month in which the time lies keep it as a whole: for them nothing has to be locked. */
const findSql = `
select before,
  (select relkind = 'p' from pg_catalog.pg_class where oid = 'public.api_key_usage'::regclass) as is_partitioned,
  exists (select from public.api_key_usage where created_at < pg_catalog.date_trunc('month', before, 'UTC')) as has_old_rows,
  pg_catalog.has_table_privilege('public.api_key_usage', 'UPDATE, DELETE, TRUNCATE') as can_lock
from (select least($1::timestamptz, pg_catalog.now() - pg_catalog.make_interval(secs => $2::float8)) as before) as times`

/** Writers wait behind this, for no longer than they can stand. */
const beginSql = `
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '5s';
set local lock_timeout = '900ms'`

/**
 * So that no row of an old month, such as one that has waited on a gateway's disk, comes between the look and the drop,
 * which needs this lock anyway. A role without the right to it goes without: such rows would have to be older than the
 * retention, and come in that very moment.
 */
const lockSql = 'lock table public.api_key_usage in access exclusive mode'

const hasUncountedSql = `
select exists (
  select from public.api_key_usage
  where id > (select rolled_up_to from latchkey.usage_rollup) and created_at < $1::timestamptz
) as has_uncounted`
