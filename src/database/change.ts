import type pg from 'pg'

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

/**
 * Runs `work` in a transaction of its own, made by `actor`: the triggers of migration 022 read the name from the
 * setting, and write it beside what they saw. Null: the log has the database role alone.
 */
export async function inChange<T> (pool: pg.Pool, actor: Actor | null, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let isReusable = false
  try {
    // A stricter default of the database's would make two changes at once a serialisation failure.
    await client.query('begin isolation level read committed')
    try {
      if (actor !== null) await client.query("select pg_catalog.set_config('latchkey.actor', $1, true)", [JSON.stringify(actor)])
      const result = await work(client)
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new Error(`Postgres answered ${command} to the commit of a change`)
      isReusable = true
      return result
    } catch (err) {
      isReusable = await client.query('rollback').then(() => true, () => false)
      throw err
    }
  } finally {
    client.release(!isReusable)
  }
}
