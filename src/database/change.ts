import type pg from 'pg'
import { isStoreUnavailable, sqlState } from './sqlstate.ts'

/** Who makes a change, as the audit log tells it. */
export interface Actor {
  /** A token of the admin API, or the command line. */
  readonly kind: 'token' | 'command'
  /** Of the token, or of the operating system's user. */
  readonly name: string
  /** Whence the request came. */
  readonly address?: string | null
  readonly requestId?: string | null
}

/** How long a change may hold up others, its connection among them. */
export interface ChangeLimits {
  /** Of each wait for a row or table that somebody else has locked. Default: 3 s. */
  readonly lockMs?: number
  /** Of each statement; less than the pool's own time-out, so that Postgres is the first to end it. Default: 20 s. */
  readonly statementMs?: number
  /** Between two statements; null: as the database has it. Default: 10 s. */
  readonly idleMs?: number | null
}

/**
 * Runs `work` in a transaction of its own, made by `actor`: the triggers of migration 022 read the name from the
 * setting, and write it beside what they saw. Null: the log has the database role alone. Rejects with SQLSTATE 55P03 or
 * 57014 where it takes longer than `limits` let it.
 */
export async function inChange<T> (pool: pg.Pool, actor: Actor | null, work: (client: pg.PoolClient) => Promise<T>, limits: ChangeLimits = {}): Promise<T> {
  const client = await pool.connect()
  let isReusable = false
  try {
    try {
      await client.query(begin(limits))
      if (actor !== null) await client.query("select pg_catalog.set_config('latchkey.actor', $1, true)", [JSON.stringify(actor)])
      const result = await work(client)
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new Error(`Postgres answered ${command} to the commit of a change`)
      isReusable = true
      return result
    } catch (err) {
      // Behind a query that got no answer, a rollback gets none either: whoever waits would do so twice.
      const isLost = sqlState(err) === null && isStoreUnavailable(err)
      isReusable = !isLost && await client.query('rollback').then(() => true, () => false)
      throw err
    }
  } finally {
    client.release(!isReusable)
  }
}

/** A stricter default of the database's would make two changes at once a serialisation failure. */
function begin ({ lockMs = 3_000, statementMs = 20_000, idleMs = 10_000 }: ChangeLimits): string {
  const idle = idleMs === null ? '' : `set local idle_in_transaction_session_timeout = ${idleMs};`
  return `
begin isolation level read committed;
${idle}
set local lock_timeout = ${lockMs};
set local statement_timeout = ${statementMs}`
}
