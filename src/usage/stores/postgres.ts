import type { Pool, PoolClient } from 'pg'
import { hidesRows, RowsHiddenError } from '../../database/hidden-rows.ts'
import { isReadOnly, isRowRefused, sqlState } from '../../database/sqlstate.ts'
import type { TimedQuery } from '../../database/timed-query.ts'
import type { EncodedRows } from '../encoded-rows.ts'
import type { UsageBatch, UsageStore, WriteOutcome } from '../store.ts'
import { bigintArray } from './binary-array.ts'
import { type BinaryColumns, ColumnWriter } from './column-writer.ts'

/**
 * Usage in the table that the keys are kept beside. A batch's id is inserted in the transaction that inserts its rows,
 * so a batch whose commit got no answer can be tried again, by another process too: either the id is there, and so are
 * the rows, or neither.
 */
export class PostgresUsageStore implements UsageStore {
  readonly #pool: Pool
  readonly #columns = new ColumnWriter()

  constructor (pool: Pool) {
    this.#pool = pool
  }

  async write (batch: UsageBatch): Promise<WriteOutcome> {
    const client = await this.#pool.connect()
    let isReusable = false
    try {
      const outcome = await writeOnce(client, batch, this.#columns)
      isReusable = true
      return outcome
    } catch (err) {
      // A server that serves only reads may have been the primary: the next connection may find the new one.
      isReusable = sqlState(err) !== null && !isReadOnly(err) && await rollback(client)
      if (isRowRefused(err) && sqlState(err) !== sequenceIsUsedUp) return { kind: 'refused', reason: err }
      throw err
    } finally {
      client.release(!isReusable)
    }
  }

  async forget (ids: readonly string[]): Promise<void> {
    await this.#pool.query(forgetSql, [ids])
  }

  async prune (): Promise<void> {
    await this.#pool.query(pruneSql)
  }

  async installationId (): Promise<string> {
    const { rows: [installation] } = await this.#pool.query<{ id: string }>('select id from latchkey.installation')
    if (installation === undefined) throw new Error('latchkey.installation has no row that this role can see')
    return installation.id
  }
}

async function writeOnce (client: PoolClient, { id, splits, rows }: UsageBatch, columns: ColumnWriter): Promise<WriteOutcome> {
  await client.query(begin)
  const result = await client.query<WriteResult>(insertSql, [id, bigintArray(rows.keyIds()), ...valuesOf(columns.columnsOf(rows))])
  const { isNew, written, lockedIds, dueIds, hidesKeys } = result.rows[0]!
  if (!isNew) {
    // An earlier attempt was committed: an attempt waits here for every earlier one to end.
    const { rows: [batch] } = await client.query<BatchRow>('select rows_written, deferred_ids, is_split from latchkey.usage_batches where batch_id = $1', [id])
    await client.query('rollback')
    return earlierOutcome(rows, batch)
  }
  // A key that can't be seen is no key that was deleted: its rows wait.
  if (hidesKeys && written < rows.count) throw new RowsHiddenError('api_keys')
  const lockedKeyIds = new Set(lockedIds.map(Number))
  const deferred = lockedIds.length === 0 ? null : rows.ofKeys(lockedKeyIds)
  if (deferred?.count === rows.count) {
    await client.query('rollback')
    return { kind: 'locked', keyIds: lockedKeyIds }
  }
  if (written < rows.count) await client.query(partlyWrittenSql, [id, written, [...lockedKeyIds]])
  if (splits.length > 0) {
    const { rows: whole } = await client.query(splitSql, [splits.map(({ id }) => id), splits.map(({ rows }) => rows)])
    if (whole.length > 0) {
      await client.query('rollback')
      return earlierOutcome(rows, undefined)
    }
  }
  const lastUsedError = dueIds.length === 0 ? null : await writeLastUsed(client, dueIds.map(Number), rows)
  const { command } = await client.query('commit')
  if (command !== 'COMMIT') throw new Error(`Postgres answered ${command} to the commit of a usage batch`)
  return { kind: 'written', isEarlier: false, rowsWritten: written, rowsOrphaned: rows.count - written - (deferred?.count ?? 0), deferred, lastUsedError }
}

/** Of the rows at hand, which may be fewer than were written: a crash may have come before the last were on the disk. */
function earlierOutcome (rows: EncodedRows, batch: BatchRow | undefined): WriteOutcome {
  if (batch?.is_split === true) return { kind: 'split', rows: batch.rows_written ?? rows.count }
  const found = rows.ofKeys(new Set(batch?.deferred_ids?.map(Number)))
  const deferred = found.count === 0 ? null : found
  const rowsKnown = rows.count - found.count
  const rowsWritten = Math.min(batch?.rows_written ?? rowsKnown, rowsKnown)
  return { kind: 'written', isEarlier: true, rowsWritten, rowsOrphaned: rowsKnown - rowsWritten, deferred, lastUsedError: null }
}

/** Usage matters more than this column: where only the update fails (a trigger of somebody else's), the rows stay. */
async function writeLastUsed (client: PoolClient, ids: readonly number[], rows: EncodedRows): Promise<unknown> {
  const usedAtMs = rows.lastUsesMs(ids)
  await client.query('savepoint last_used')
  try {
    await client.query(lastUsedSql, [[...usedAtMs.keys()], [...usedAtMs.values()]])
    return null
  } catch (err) {
    if (sqlState(err) === null) throw err
    await client.query('rollback to savepoint last_used')
    return err
  }
}

/** False where the connection is no good any more; Postgres rolls back by itself then. */
async function rollback (client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}

/** Of api_key_usage's own id. Every row meets it, so none may be dropped for it. */
const sequenceIsUsedUp = '2200H'

// Below, tables and functions are named with their schemas, and operators get the very types that pg_catalog has them
// for, as the better fit of a stranger's operator would win: the role's search_path decides nothing.

interface WriteResult {
  isNew: boolean
  written: number
  lockedIds: (number | string)[]
  dueIds: (number | string)[]
  hidesKeys: boolean
}

interface BatchRow {
  /** null: all. Of a batch that was split: how many it had. */
  rows_written: number | null
  deferred_ids: (number | string)[] | null
  is_split: boolean
}

/** For insertSql, from $3 on. */
function valuesOf ({ keyId, endpoint, method, statusCode, ipAddress, userAgent, responseTimeMs, createdAtMs, route, requestId, requestBytes, responseBytes }: BinaryColumns): Buffer[] {
  return [keyId, endpoint, method, statusCode, ipAddress, userAgent, responseTimeMs, createdAtMs, route, requestId, requestBytes, responseBytes]
}

/**
 * Time-outs, so that an attempt whose gateway has vanished ends soon and lets the next one have the batch's id. Read
 * committed, since a stricter default would make every lock a serialisation failure.
 *
 * It waits for nothing, so that a connection on which it takes long is one whose other end is gone: better known now
 * than after the time that the rows may take.
 */
const begin: TimedQuery = {
  text: `
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '3s';
set local lock_timeout = '5s'`,
  query_timeout: 2_000,
}

// Of several arrays, unnest is syntax and not a function: it has no schema.

/**
 * Nothing happens unless the batch is new. The keys' rows are locked as the foreign key's check would lock them a
 * moment later, but skipping those that somebody else holds (a delete under way, a forgotten transaction): their rows
 * wait for a later batch instead of holding up everybody's. A key that is gone takes its rows with it.
 */
const insertSql = `
with batch as (
  insert into latchkey.usage_batches (batch_id) values ($1) on conflict do nothing returning batch_id
), keys as materialized (
  select id, last_used_at from public.api_keys
  where id = any ($2::bigint[]) and exists (select from batch)
  for key share skip locked
), written as (
  insert into public.api_key_usage
    (api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms, created_at, route, request_id,
      request_bytes, response_bytes)
  select keys.id, endpoint, method, status_code, ip_address::inet, user_agent, response_time_ms,
    pg_catalog.to_timestamp(created_at_ms / 1000::float8), route, request_id, request_bytes, response_bytes
  from unnest($3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::int[], $10::float8[],
    $11::text[], $12::text[], $13::bigint[], $14::bigint[]) as used (key_id, endpoint, method, status_code, ip_address,
    user_agent, response_time_ms, created_at_ms, route, request_id, request_bytes, response_bytes)
  join keys on keys.id = key_id
  returning id
)
select
  exists (select from batch) as "isNew",
  (select pg_catalog.count(*) from written)::int as written,
  array(select id from public.api_keys where id = any ($2::bigint[]) except select id from keys) as "lockedIds",
  array(select id from keys where last_used_at is null or last_used_at < pg_catalog.now() - interval '1 minute') as "dueIds",
  -- Locking a row asks the policies for UPDATE, too.
  ${hidesRows("'public.api_keys'::regclass")} or ${hidesRows("'public.api_keys'::regclass", 'UPDATE')} as "hidesKeys"`

/**
 * At most once a minute a key: one row written for every request would be the bottleneck. Whoever holds a key's row is
 * not waited for, hence no deadlock between gateways either.
 */
const lastUsedSql = `
with due as (
  select id, pg_catalog.to_timestamp(used_at_ms / 1000::float8) as used_at
  from public.api_keys
  join unnest($1::bigint[], $2::float8[]) as used (key_id, used_at_ms) on key_id = id
  where last_used_at is null
    or (last_used_at < pg_catalog.now() - interval '1 minute' and last_used_at < pg_catalog.to_timestamp(used_at_ms / 1000::float8))
  for no key update of api_keys skip locked
)
update public.api_keys set last_used_at = used_at from due where api_keys.id = due.id`

/** Rarely: as a rule all rows of a batch are written. */
const partlyWrittenSql = `
update latchkey.usage_batches set rows_written = $2, deferred_ids = $3::bigint[] where batch_id = $1`

/**
 * Whoever still has the whole must not write it, should it be accepted one day: a part is written. Gives those that
 * were written as a whole after all.
 */
const splitSql = `
with marked as (
  insert into latchkey.usage_batches (batch_id, is_split, rows_written)
  select id, true, rows from unnest($1::uuid[], $2::int[]) as split (id, rows)
  on conflict do nothing
)
select from latchkey.usage_batches where batch_id = any ($1::uuid[]) and not is_split`

const forgetSql = 'delete from latchkey.usage_batches where batch_id = any ($1::uuid[])'

/** Long after anybody would start a gateway again to have its spool written. */
const pruneSql = `
delete from latchkey.usage_batches where batch_id in (
  select batch_id from latchkey.usage_batches where written_at < pg_catalog.now() - interval '400 days' limit 10000
  for update skip locked
)`
