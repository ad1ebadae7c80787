import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { DroppableClient } from './droppable-client.ts'
import { sqlState } from './sqlstate.ts'

/** What Postgres itself gave up, since it took longer than it was allowed. */
export const queryCanceled = '57014'

export interface BoundedQuery {
  readonly text: string
  readonly values: readonly unknown[]
  readonly timeoutMs: number
  /** Of somebody who may go away meanwhile, and with whom the query ends. */
  readonly signal?: AbortSignal | undefined
}

/** So that Postgres ends what nobody waits for any more. Where its system can't tell, it refuses the setting, and the time-out has to do. */
const noticesSoon = `
do $$ begin
  perform pg_catalog.set_config('client_connection_check_interval', '500ms', true);
exception when others then null;
end $$`

/**
 * Reads in a transaction of its own that Postgres itself ends after `timeoutMs`, whatever has become of who asked: it
 * holds up neither vacuum nor whoever wants to drop a table for longer. Set within the transaction, as a pooler lends
 * the connection to others behind it. Compiling a plan (JIT) takes longer than what is asked here. Rejects with SQLSTATE
 * 57014 where the time didn't suffice.
 */
export async function boundedQuery<R extends QueryResultRow> (pool: Pool, { text, values, timeoutMs, signal }: BoundedQuery): Promise<R[]> {
  const client = await pool.connect()
  let isReusable = false
  const drop = (): void => { if (client instanceof DroppableClient) client.drop(new Error('Who asked has gone')) }
  signal?.addEventListener('abort', drop, { once: true })
  try {
    await client.query(`begin isolation level read committed read only; set local statement_timeout = ${Math.ceil(timeoutMs)}; set local jit = off${signal === undefined ? '' : `;${noticesSoon}`}`)
    const { rows } = await client.query<R>(text, [...values])
    await client.query('commit')
    isReusable = true
    return rows
  } catch (err) {
    isReusable = sqlState(err) !== null && await rollback(client)
    throw err
  } finally {
    signal?.removeEventListener('abort', drop)
    client.release(!isReusable)
  }
}

async function rollback (client: PoolClient): Promise<boolean> {
  return await client.query('rollback').then(() => true, () => false)
}
