import type pg from 'pg'
import { applyAllChanges, applyMostChanges, forgetTruncate, noteChanges, TruncatedError } from './changes.ts'
import { copyRows } from './copy.ts'
import { definitionsOf, usageTable } from './definitions.ts'
import { idSourceOf, releaseIds, takeIds } from './ids.ts'
import { addForeignKeys, buildIndexes, isComplete, renameIndexes, validateForeignKeys } from './indexes.ts'
import { createNewTable, differenceFromPlain, newTable, storedColumns } from './new-table.ts'
import { partitioningRefusals, PartitioningRefusedError } from './refusals.ts'
import { asRefusal, rehearse } from './rehearsal.ts'
import { type ShortLockOptions, withShortLocks } from './short-locks.ts'
import { type Phase, readPartitioning } from './state.ts'

export interface PartitioningProgress {
  readonly phase: Phase
  readonly rowsCopied: number
  /** An estimate. */
  readonly rowsTotal: number
  /** Who holds a lock that is being waited for; null: nothing is. */
  readonly waitsFor: string | null
  /** How long writers were kept out for the swap; null before it, and when it was another process that did it. */
  readonly swapMs: number | null
}

export interface ConversionOptions {
  /** Called often: a few times a second while rows are copied. What it throws ends the conversion, to be resumed. */
  readonly onProgress?: ((progress: PartitioningProgress) => void) | undefined
  /** How long to try for a lock that somebody holds. */
  readonly lockPatienceMs: number
  readonly rowsPerBatch?: number | undefined
}

/** A quarter of a second or so: what is lost at most when the process is killed. */
const rowsPerBatchDefault = 20_000

/** Where the plain table goes in the swap, to be dropped next. */
const formerTable = 'latchkey.api_key_usage_unpartitioned'

/**
 * Makes api_key_usage a table partitioned by month, while gateways write to it, or goes on where that was interrupted;
 * returns whether there was anything to do. On the session that holds the migrations' lock.
 *
 * The rows are copied to a new table in batches, while triggers note what changes (changes.ts says why nothing is
 * lost); it gets its indexes and foreign keys; then, for a moment, nobody may write, the last changes are applied and
 * the two tables change names. Whoever waited for that writes to the new one.
 *
 * Errors: PartitioningRefusedError, nothing having been changed; UsageError where a lock isn't free in time.
 */
export async function convertUsage (client: pg.Client, options: ConversionOptions): Promise<boolean> {
  const { state } = await readPartitioning(client)
  if (state !== 'plain' && state !== 'converting' && state !== 'dropping') return false
  const conversion = new Conversion(client, options)
  // What depends on the search path, and what Postgres deparses, comes with its schema.
  await client.query('set search_path = pg_catalog')
  try {
    if (state !== 'dropping') while (!await conversion.replace());
    await conversion.dropFormer()
    return true
  } finally {
    await client.query('set search_path = public').catch(() => {})
  }
}

class Conversion {
  readonly #client: pg.Client
  readonly #rowsPerBatch: number
  #swapMs: number | null = null
  readonly #locks: Omit<ShortLockOptions, 'table'>
  readonly #onProgress: ConversionOptions['onProgress']

  constructor (client: pg.Client, { onProgress, lockPatienceMs, rowsPerBatch = rowsPerBatchDefault }: ConversionOptions) {
    this.#client = client
    this.#rowsPerBatch = rowsPerBatch
    this.#locks = { patienceMs: lockPatienceMs, onWait: (holders) => { this.#say(holders).catch(() => {}) } }
    this.#onProgress = onProgress
  }

  /** False where it has to be gone through again, as the plain table was changed or emptied meanwhile. */
  async replace (): Promise<boolean> {
    await this.#refuse()
    if ((await readPartitioning(this.#client)).state === 'plain') await this.#begin()
    else if (await differenceFromPlain(this.#client) !== null) return await this.#discard()
    try {
      await this.#copy()
      await this.#join()
      return true
    } catch (err) {
      if (err instanceof TruncatedError) return await this.#copyAnew()
      if (err instanceof ChangedError) return await this.#discard()
      throw err
    }
  }

  async dropFormer (): Promise<void> {
    await this.#say()
    // The foreign key goes along, for which nobody may use the table referred to.
    await this.#withLocks('api_keys', async () => {
      await this.#client.query(`drop table if exists ${formerTable}`)
      await this.#client.query('delete from latchkey.usage_changes')
      await this.#client.query("update latchkey.usage_partitioning set phase = 'done', finished_at = pg_catalog.now()")
    })
    await this.#say()
  }

  async #refuse (): Promise<void> {
    const reasons = await partitioningRefusals(this.#client)
    if (reasons.length > 0) throw new PartitioningRefusedError(reasons)
  }

  async #begin (): Promise<void> {
    const total = await this.#estimate()
    try {
      await this.#withLocks('api_key_usage', async () => {
        await createNewTable(this.#client)
        await rehearse(this.#client, await definitionsOf(this.#client))
        await noteChanges(this.#client)
        await this.#client.query('delete from latchkey.usage_partitioning')
        await this.#client.query(`
          insert into latchkey.usage_partitioning (phase, copied_to, last_id, rows_total)
          select 'copying', coalesce(pg_catalog.min(id) - 1, 0), coalesce(pg_catalog.max(id), 0), $1 from ${usageTable}`, [total])
      })
    } catch (err) {
      throw asRefusal(err)
    }
  }

  async #copy (): Promise<void> {
    const columns = await storedColumns(this.#client)
    if (await this.#phase() === 'copying') {
      await copyRows(this.#client, columns, this.#rowsPerBatch, this.#locks, async () => await this.#say())
      await this.#enter('indexing')
    }
    if (await this.#phase() === 'indexing') {
      await buildIndexes(this.#client, await definitionsOf(this.#client))
      // Building takes a while: what was inserted meanwhile is copied quicker than it is applied.
      await copyRows(this.#client, columns, this.#rowsPerBatch, this.#locks, async () => await this.#say())
      await this.#client.query(`analyze ${newTable}`)
      await this.#enter('joining')
    }
  }

  async #join (): Promise<void> {
    const client = this.#client
    const columns = await storedColumns(client)
    await this.#say()
    for (let isSwapped = false; !isSwapped;) {
      // Again, as the plain table may have got some more.
      const definitions = await definitionsOf(client)
      await buildIndexes(client, definitions)
      await applyMostChanges(client, columns, this.#locks)
      await addForeignKeys(client, definitions, this.#locks)
      // What is left of keys that were deleted before that is among the changes.
      await applyMostChanges(client, columns, this.#locks)
      await validateForeignKeys(client, definitions, this.#locks)
      await this.#say()
      isSwapped = await this.#swap(columns)
    }
  }

  /** False where the new table lacks something that the plain one has got since. */
  async #swap (columns: string): Promise<boolean> {
    const client = this.#client
    let isSwapped = false
    let lockedAtMs = 0
    const before = async () => await applyMostChanges(client, columns, this.#locks)
    await this.#withLocks('api_key_usage', async () => {
      await client.query(`lock table ${usageTable} in access exclusive mode`)
      lockedAtMs = performance.now()
      const definitions = await definitionsOf(client)
      if (!await isComplete(client, definitions)) return
      await this.#refuse()
      if (await differenceFromPlain(client) !== null) throw new ChangedError()
      await applyAllChanges(client, columns)
      const ids = await idSourceOf(client)
      await releaseIds(client, ids)
      await client.query(`alter table ${usageTable} rename to api_key_usage_unpartitioned`)
      await client.query('alter table public.api_key_usage_unpartitioned set schema latchkey')
      await client.query(`alter table ${newTable} rename to api_key_usage`)
      await client.query('alter table latchkey.api_key_usage set schema public')
      await renameIndexes(client, definitions)
      await takeIds(client, ids, 'latchkey')
      for (const statement of definitions.attachments) await client.query(statement)
      await client.query("update latchkey.usage_partitioning set phase = 'dropping'")
      isSwapped = true
    }, before)
    if (isSwapped) this.#swapMs = performance.now() - lockedAtMs
    return isSwapped
  }

  /** The new table keeps what was built. Returns false, for the caller to pass on. */
  async #copyAnew (): Promise<false> {
    await this.#withLocks('api_keys', async () => await forgetTruncate(this.#client))
    return false
  }

  async #discard (): Promise<false> {
    await this.#withLocks('api_keys', async () => await discardNewTable(this.#client))
    return false
  }

  async #enter (phase: Phase): Promise<void> {
    await this.#client.query('update latchkey.usage_partitioning set phase = $1', [phase])
    await this.#say()
  }

  async #phase (): Promise<Phase | null> {
    return (await readPartitioning(this.#client)).phase
  }

  async #say (waitsFor: string | null = null): Promise<void> {
    if (this.#onProgress === undefined) return
    const { phase, rowsCopied, rowsTotal } = await readPartitioning(this.#client)
    if (phase !== null) this.#onProgress({ phase, rowsCopied, rowsTotal: Math.max(rowsTotal, rowsCopied), waitsFor, swapMs: this.#swapMs })
  }

  async #withLocks (table: string, work: () => Promise<void>, before?: () => Promise<void>): Promise<void> {
    await withShortLocks(this.#client, { ...this.#locks, table, ...before === undefined ? {} : { before } }, work)
  }

  /** As the last ANALYZE had it. What was never analysed is counted: it's hardly large. */
  async #estimate (): Promise<number> {
    const { rows: [row] } = await this.#client.query<{ total: number }>(`
      select reltuples::float8 as total from pg_class where oid = '${usageTable}'::regclass`)
    if (row !== undefined && row.total >= 0) return Math.round(row.total)
    const { rows: [counted] } = await this.#client.query<{ total: string }>(`select count(*) as total from ${usageTable}`)
    return Number(counted?.total ?? 0)
  }
}

/** Leaves the plain table as it was, but for the triggers, which the next attempt uses. Within a transaction. */
export async function discardNewTable (client: pg.ClientBase): Promise<void> {
  await client.query(`drop table if exists ${newTable}`)
  await client.query('delete from latchkey.usage_partitioning')
}

/** The plain table got or lost a column meanwhile. */
class ChangedError extends Error {
  override readonly name = 'ChangedError'
}
