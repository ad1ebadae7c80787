import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'

/**
 * An id of api_key_usage at or below which no row can appear any more: every transaction that may still have inserted
 * one has ended. All there is at or below it is seen by whatever is read after this has resolved, in a snapshot taken
 * after it. 0 where the table is empty; null where such a transaction hasn't ended within `timeoutMs` (somebody forgot
 * one), on a standby, where nobody can tell, and once `signal` is aborted.
 *
 * Ids are given out in order but become visible in the order of the commits, so the highest id that is seen says
 * nothing about those below it. But an INSERT locks its table first and asks the sequence for its id then: whoever
 * isn't found holding a lock, after an id was seen, gets only ids above it. That doesn't hold for ids that were drawn
 * before the table was locked: by a `select nextval(…)` of an earlier transaction, or from a sequence whose sessions
 * keep several ahead (CACHE above 1, which 011's hasn't).
 */
export async function settledId (client: pg.ClientBase | pg.Pool, { timeoutMs, signal }: { readonly timeoutMs: number, readonly signal?: AbortSignal }): Promise<number | null> {
  // One type for both, whose overloads TypeScript doesn't unite.
  const asked = client as pg.Pool
  const deadlineMs = performance.now() + timeoutMs
  // A statement of its own, which has ended before the locks are looked at.
  const { rows: [last] } = await asked.query<{ id: string, is_standby: boolean }>(lastIdSql)
  if (last === undefined || last.is_standby) return null
  const { rows } = await asked.query<{ holder: string }>(holdersSql)
  const holders = rows.map(({ holder }) => holder)
  for (let pauseMs = firstPauseMs; holders.length > 0; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
    const { rows: [found] } = await asked.query<{ is_any_left: boolean }>(isAnyLeftSql, [holders])
    if (found?.is_any_left === false) break
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0 || signal?.aborted === true) return null
    await delay(Math.min(pauseMs, leftMs))
  }
  return Number(last.id)
}

/**
 * Whether ids begin anew, below one that was reached: TRUNCATE … RESTART IDENTITY. Where rows above the sequence are
 * left, somebody has only set it back, and which rows are new can't be told.
 */
export async function hasBegunAnew (client: pg.ClientBase, reachedId: string): Promise<boolean> {
  const { rows: [found] } = await client.query<{ has_begun_anew: boolean | null }>(hasBegunAnewSql, [reachedId])
  return found?.has_begun_anew === true
}

const firstPauseMs = 5
const pauseMsMax = 200

/**
 * SQL: the id that api_key_usage's sequence gave out last. Null for one that was never asked, or that this role may not
 * look at.
 */
const lastDrawnSql = `(
  select pg_catalog.max(pg_catalog.pg_sequence_last_value(s.oid))
  from pg_catalog.pg_class as s
  where s.relkind = 'S' and s.oid in (
    select d.refobjid
    from pg_catalog.pg_attrdef as a
    join pg_catalog.pg_attribute as c on c.attrelid = a.adrelid and c.attnum = a.adnum and c.attname = 'id'
    join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
    where a.adrelid = 'public.api_key_usage'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
    union all
    select d.objid
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_attribute as c on c.attrelid = d.refobjid and c.attnum = d.refobjsubid and c.attname = 'id'
    where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = 'public.api_key_usage'::regclass and d.deptype = 'i'
  )
  -- A case, as asked about anything but a sequence this is an error.
  and case when s.relkind = 'S' then pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT') else false end
)`

/**
 * Rows whose ids were chosen by whoever inserted them may lie far above the sequence, which will come to the ids below
 * them one day: hence the lesser of the two.
 */
const lastIdSql = `
select coalesce(least(
    (select pg_catalog.max(id) from public.api_key_usage),
    ${lastDrawnSql}
  ), 0)::text as id,
  pg_catalog.pg_is_in_recovery() as is_standby`

const hasBegunAnewSql = `
select last_drawn < $1::bigint and not exists (select from public.api_key_usage where id > last_drawn) as has_begun_anew
from (select ${lastDrawnSql} as last_drawn) as sequence`

/**
 * The lock that INSERT takes, on the table or one of its partitions: into a partition directly it locks no more than
 * that. Prepared transactions have no process.
 */
const isInsertersLock = `
  l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
  and (l.relation = 'public.api_key_usage'::regclass
    or l.relation in (select p.relid from pg_catalog.pg_partition_tree('public.api_key_usage') as p))`

/** Not ourselves: the caller knows what it has inserted. */
const holdersSql = `
select distinct l.virtualtransaction as holder
from pg_catalog.pg_locks as l
where ${isInsertersLock} and l.pid is distinct from pg_catalog.pg_backend_pid()`

/**
 * PREPARE TRANSACTION gives a transaction's locks to nobody's, under another name: whatever is prepared counts as one of
 * them. The others are known by their names, whatever became of the table meanwhile.
 */
const isAnyLeftSql = `
select exists (
  select from pg_catalog.pg_locks as l
  where l.virtualtransaction = any ($1::text[]) or (l.pid is null and ${isInsertersLock})
) as is_any_left`
