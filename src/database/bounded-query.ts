import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { sqlState } from './sqlstate.ts'

/** What Postgres itself gave up, since it took longer than it was allowed. */
export const queryCanceled = '57014'

export interface BoundedQuery {
  readonly text: string
  readonly values: readonly unknown[]
  readonly timeoutMs: number
}

/**
 * Reads in a transaction of its own that Postgres itself ends after `timeoutMs`, whatever has become of who asked: it
 * holds up neither vacuum nor whoever wants to drop a table for longer. Set within the transaction, as a pooler lends
 * the connection to others behind it. Compiling a plan (JIT) takes longer than what is asked here. Rejects with SQLSTATE
 * 57014 where the time didn't suffice.
 */
export async function boundedQuery<R extends QueryResultRow> (pool: Pool, { text, values, timeoutMs }: BoundedQuery): Promise<R[]> {
  const client = await pool.connect()
  let isReusable = false
  try {
    await client.query(`begin isolation level read committed read only; set local statement_timeout = ${Math.ceil(timeoutMs)}; set local jit = off`)
    const { rows } = await client.query<R>(text, [...values])
    await client.query('commit')
    isReusable = true
    return rows
  } catch (err) {
    isReusable = sqlState(err) !== null && await rollback(client)
    throw err
  } finally {
    client.release(!isReusable)
  }
}

async function rollback (client: PoolClient): Promise<boolean> {
  return await client.query('rollback').then(() => true, () => false)
}
