import pg from 'pg'
import type { Logger } from 'pino'
import { withLibpqTls } from './connection.ts'
import { DroppableClient } from './droppable-client.ts'
import { isReadOnly, sqlState } from './sqlstate.ts'

const connectTimeoutDefaultMs = 5_000
/** So that none outlives a failover for ever which its own end was never told of. */
const lifetimeS = 600

export interface PoolOptions {
  readonly connectionString: string
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connectionsMax: number
  /** A query that takes longer fails, and its connection is thrown away. */
  readonly queryTimeoutMs: number
  /** How long connecting, and waiting for a free connection, may take. */
  readonly connectTimeoutMs?: number
  readonly logger: Logger
}

/**
 * Makes a pool that outlives the database: a restart of Postgres fails the queries under way and is logged, and the
 * next query connects again. Nothing connects until the first query. The caller ends it with `end()` or `endWithin()`.
 */
export function createPool (options: PoolOptions): DatabasePool {
  return new DatabasePool(options)
}

class SuspectConnectionError extends Error {
  override readonly name = 'SuspectConnectionError'
}

export class DatabasePool extends pg.Pool {
  /** Every connection that isn't closed yet, with the time since when it is busy; null: idle. */
  readonly #clients: Map<DroppableClient, number | null>

  constructor ({ connectionString, applicationName, connectionsMax, queryTimeoutMs, connectTimeoutMs = connectTimeoutDefaultMs, logger }: PoolOptions) {
    const clients = new Map<DroppableClient, number | null>()
    super({
      connectionString: withLibpqTls(connectionString),
      application_name: applicationName,
      max: connectionsMax,
      // The last one is kept, as a server that is out of connections for others must not be for us.
      min: 1,
      connectionTimeoutMillis: connectTimeoutMs,
      // Measured here and not set as statement_timeout: transaction poolers refuse that in the startup packet.
      query_timeout: queryTimeoutMs,
      idleTimeoutMillis: 30_000,
      maxLifetimeSeconds: lifetimeS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      Client: class extends DroppableClient {
        constructor (config: pg.ClientConfig = {}) {
          super(config)
          clients.set(this, performance.now())
          this.once('end', () => clients.delete(this))
          // The pool listens to a client's errors only while it is idle. Without a listener of its own, a client that
          // loses its connection while checked out would end the process.
          this.on('error', (err) => logger.debug({ err }, 'A connection to the database broke'))
        }
      },
    })
    this.#clients = clients
    this.on('acquire', (client) => this.#mark(client, performance.now()))
    this.on('release', (err: unknown, client) => {
      this.#mark(client, null)
      // Whatever Postgres itself answers shows that its connection lives; only that it may not write any more may mean
      // that it isn't the primary any more. Else the others most likely lead to nowhere as well, and each would cost
      // somebody a time-out.
      if (err && (sqlState(err) === null || isReadOnly(err))) this.renew({ busyForMs: Infinity })
    })
    this.on('error', (err) => {
      if (!(err instanceof SuspectConnectionError)) logger.warn({ err }, 'Lost an idle connection to the database')
    })
  }

  /**
   * Drops the idle connections, and those in use or connecting for `busyForMs` or longer: after an outage they may lead
   * to a server that is gone without having said so. What is under way on them fails as with a lost connection.
   */
  renew ({ busyForMs }: { readonly busyForMs: number }): void {
    const nowMs = performance.now()
    for (const [client, busySinceMs] of this.#clients) {
      if (busySinceMs === null || nowMs - busySinceMs >= busyForMs) client.drop(new SuspectConnectionError('The connection was given up'))
    }
  }

  /** Ends it; what isn't done after `timeoutMs` is cut off. */
  async endWithin (timeoutMs: number): Promise<void> {
    // Not cleared: pg's own end() doesn't wait for farewells, and one that is never answered would keep the process alive.
    setTimeout(() => { for (const client of this.#clients.keys()) client.drop() }, timeoutMs).unref()
    await this.end()
  }

  #mark (client: pg.ClientBase, busySinceMs: number | null): void {
    if (client instanceof DroppableClient && this.#clients.has(client)) this.#clients.set(client, busySinceMs)
  }
}
