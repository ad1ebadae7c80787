import pg from 'pg'
import type { Logger } from 'pino'
import { withLibpqTls } from './connection.ts'

const connectTimeoutMs = 5_000

export interface PoolOptions {
  readonly connectionString: string
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connectionsMax: number
  /** A query that takes longer fails, and its connection is thrown away. */
  readonly queryTimeoutMs: number
  readonly logger: Logger
}

/**
 * Makes a pool that outlives the database: a restart of Postgres fails the queries under way and is logged, and the
 * next query connects again. Nothing connects until the first query. The caller ends it with `pool.end()`.
 */
export function createPool ({ connectionString, applicationName, connectionsMax, queryTimeoutMs, logger }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: withLibpqTls(connectionString),
    application_name: applicationName,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    // Measured here and not set as statement_timeout: transaction poolers refuse that in the startup packet.
    query_timeout: queryTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })

  // The pool listens to a client's errors only while it is idle. Without a listener of its own, a client that loses
  // its connection while checked out would end the process.
  pool.on('connect', (client) => {
    client.on('error', (err) => logger.debug({ err }, 'A connection to the database broke'))
  })
  pool.on('error', (err) => logger.warn({ err }, 'Lost an idle connection to the database'))
  return pool
}
