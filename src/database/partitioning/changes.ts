import type pg from 'pg'
import { noteTriggerPrefix, usageTable } from './definitions.ts'
import { copySql, newTable, preferIndexes } from './new-table.ts'
import { type ShortLockOptions, withShortLocks } from './short-locks.ts'

// While rows are copied, triggers on the plain table note the id of every row that is inserted, changed or deleted, in
// the transaction that does it. Applying an id means: delete it from the new table, and copy it from the plain one
// anew. Why that comes out right, whoever does what at the same time:
//
// - The ids are read, and removed, by a statement that ends before the rows themselves are read. So what is read is at
//   least as new as what was noted.
// - A change that commits later than that has its id noted still, and is applied later. Applying twice does no harm.
// - Nothing depends on the order of commits, on what a change's own transaction could see (it may be a serializable
//   one), or on locks: no row of the plain table, and no key, is ever locked for it.
// - The last ids are applied under a lock that keeps writers out. Then both tables hold the same rows.
//
// The copying reads in the order of ids, up to a last one. A change of a row that the copying has yet to come to may be
// forgotten once it is committed, as the copying will see it. Nothing is applied before the copying has ended: it
// could not tell rows that were applied already.

const idsPerStep = 2_000
/** A key that is deleted at this moment. */
export const foreignKeyViolation = '23503'

const noteTriggers = [
  { event: 'insert', tables: 'referencing new table as new_rows' },
  { event: 'update', tables: 'referencing old table as old_rows new table as new_rows' },
  { event: 'delete', tables: 'referencing old table as old_rows' },
  { event: 'truncate', tables: '' },
] as const

/** The plain table was emptied by TRUNCATE: the new one has to be, too, and the copying begins anew. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError'
}

/**
 * From here on, every change is noted. Within a transaction; the lock that it takes waits for those that have written
 * already and lets no other write before its end.
 */
export async function noteChanges (client: pg.ClientBase): Promise<void> {
  await client.query(`lock table ${usageTable} in share row exclusive mode`)
  await client.query('delete from latchkey.usage_changes')
  for (const { event, tables } of noteTriggers) {
    const name = noteTriggerPrefix + event
    const { rowCount } = await client.query(`select from pg_catalog.pg_trigger where tgrelid = '${usageTable}'::pg_catalog.regclass and tgname = $1`, [name])
    if (rowCount === 0) {
      await client.query(`create trigger ${name} after ${event} on ${usageTable} ${tables} for each statement execute function latchkey.note_usage_change()`)
    }
    // Also when session_replication_role is replica, which would skip an ordinary trigger.
    await client.query(`alter table ${usageTable} enable always trigger ${name}`)
  }
}

export async function stopNotingChanges (client: pg.ClientBase): Promise<void> {
  for (const { event } of noteTriggers) await client.query(`drop trigger if exists ${noteTriggerPrefix}${event} on ${usageTable}`)
  await client.query('delete from latchkey.usage_changes')
}

/** Forgets the changes of rows that the copying has yet to come to. */
export async function forgetChangesAhead (client: pg.ClientBase): Promise<void> {
  await client.query(`
    delete from latchkey.usage_changes as c
    using latchkey.usage_partitioning as p
    where c.id > p.copied_to and c.id <= p.last_id`)
}

/**
 * Within a transaction. What was noted beside stays: ids that were applied before the TRUNCATE was come to may be of
 * rows that were inserted after it.
 */
export async function forgetTruncate (client: pg.ClientBase): Promise<void> {
  await client.query('delete from latchkey.usage_changes where id is null')
  await client.query(`truncate ${newTable}`)
  await client.query(`
    update latchkey.usage_partitioning
    set phase = 'copying', copied_to = all_ids.before, last_id = all_ids.last, rows_copied = 0
    from (select coalesce(pg_catalog.min(id) - 1, 0) as before, coalesce(pg_catalog.max(id), 0) as last from ${usageTable}) as all_ids`)
}

/**
 * Applies what has been noted until hardly anything is left. Once the new table has its foreign keys, that can meet a
 * key which is about to be deleted: soon its rows are gone from the plain table as well. Throws TruncatedError.
 */
export async function applyMostChanges (client: pg.Client, columns: string, locks: Omit<ShortLockOptions, 'table'>): Promise<void> {
  for (let ids = idsPerStep; ids === idsPerStep;) {
    await withShortLocks(client, { ...locks, table: 'api_keys', passing: [foreignKeyViolation] }, async () => { ids = await applySome(client, columns) })
  }
}

/** Within a transaction that keeps writers out: applies what is left. Throws TruncatedError. */
export async function applyAllChanges (client: pg.ClientBase, columns: string): Promise<void> {
  while (await applySome(client, columns) > 0);
}

/** Returns how many ids were taken. The three statements must each see what has been committed before it begins. */
async function applySome (client: pg.ClientBase, columns: string): Promise<number> {
  const { rows: [taken] } = await client.query<{ count: number, ids: string[], has_truncate: boolean }>(`
    with taken as (
      delete from latchkey.usage_changes where ctid = any (array(select ctid from latchkey.usage_changes limit ${idsPerStep})) returning id
    )
    select pg_catalog.count(*)::int as count, coalesce(pg_catalog.array_agg(distinct id) filter (where id is not null), '{}') as ids,
      coalesce(pg_catalog.bool_or(id is null), false) as has_truncate
    from taken`)
  if (taken === undefined || taken.count === 0) return 0
  if (taken.has_truncate) throw new TruncatedError()
  await preferIndexes(client)
  await client.query(`delete from ${newTable} where id = any ($1::bigint[])`, [taken.ids])
  await client.query(`${copySql(columns)} where id = any ($1::bigint[])`, [taken.ids])
  return taken.count
}
