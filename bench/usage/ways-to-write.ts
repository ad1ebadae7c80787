import { randomUUID } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'
import { hidesRows } from '../../src/database/hidden-rows.ts'
import type { EncodedRows } from '../../src/usage/encoded-rows.ts'
import { bigintArray } from '../../src/usage/stores/binary-array.ts'
import { PostgresUsageStore } from '../../src/usage/stores/postgres.ts'
import { copyColumns, CopyWriter } from './copy-writer.ts'
import { CopyQuery } from './copy-query.ts'

/** Writes a batch in a transaction of its own, under an id of its own. */
export type Write = (rows: EncodedRows) => Promise<void>

export const waysToWrite = {
  /** The product: one statement, its rows as arrays. */
  unnest: async (pool: Pool): Promise<Write> => {
    const store = new PostgresUsageStore(pool)
    return async rows => {
      const outcome = await store.write({ id: randomUUID(), splits: [], rows })
      if (outcome.kind !== 'written' || outcome.rowsWritten !== rows.count) throw new Error(`of ${rows.count} rows not all were written`)
    }
  },
  /**
   * Straight into the table: as fast as COPY can be. Less than the product does: a key that somebody holds locked holds
   * up the batch, a deleted one fails it, and nothing is told of keys whose last use is to be written.
   */
  copy: async (pool: Pool): Promise<Write> => {
    const writer = new CopyWriter()
    return async rows => await inTransaction(pool, async client => {
      await copyInto(client, 'public.api_key_usage', writer.bytesOf(rows))
    })
  },
  /** Into a table of the session's own first, and on from there as the product does. */
  'copy, staged': async (pool: Pool): Promise<Write> => {
    const writer = new CopyWriter()
    await pool.query(`create temporary table if not exists usage_staging on commit delete rows as select ${copyColumns} from public.api_key_usage with no data`)
    return async rows => await inTransaction(pool, async client => {
      await copyInto(client, 'pg_temp.usage_staging', writer.bytesOf(rows))
      const { rows: [result] } = await client.query<{ written: number }>(moveSql, [bigintArray(rows.keyIds())])
      if (result?.written !== rows.count) throw new Error(`of ${rows.count} rows not all were written`)
    })
  },
} as const

export type WayToWrite = keyof typeof waysToWrite

/** As the product's, with the batch's id in the same message, as COPY can't be part of a statement. */
async function inTransaction (pool: Pool, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '3s';
set local lock_timeout = '5s';
insert into latchkey.usage_batches (batch_id) values ('${randomUUID()}') on conflict do nothing`)
    await work(client)
    await client.query('commit')
    client.release()
  } catch (err) {
    client.release(true)
    throw err
  }
}

async function copyInto (client: PoolClient, table: string, bytes: Buffer): Promise<void> {
  await client.query(new CopyQuery(`copy ${table} (${copyColumns}) from stdin (format binary)`, bytes)).done
}

/** What the product's statement does, but for where the rows come from. */
const moveSql = `
with keys as materialized (
  select id, last_used_at from public.api_keys where id = any ($1::bigint[]) for key share skip locked
), written as (
  insert into public.api_key_usage (${copyColumns})
  select ${copyColumns} from pg_temp.usage_staging join keys on keys.id = api_key_id
  returning id
)
select
  (select pg_catalog.count(*) from written)::int as written,
  array(select id from public.api_keys where id = any ($1::bigint[]) except select id from keys) as "lockedIds",
  array(select id from keys where last_used_at is null or last_used_at < pg_catalog.now() - interval '1 minute') as "dueIds",
  ${hidesRows("'public.api_keys'::regclass")} or ${hidesRows("'public.api_keys'::regclass", 'UPDATE')} as "hidesKeys"`
