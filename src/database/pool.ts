import pg from 'pg'
import type { Logger } from 'pino'
import { withLibpqTls } from './connection.ts'
import { DroppableClient } from './droppable-client.ts'
import { isDirect } from './pooler.ts'
import { isOfPreparing, type PreparedStatement } from './prepared-statement.ts'
import { isReadOnly, sqlState } from './sqlstate.ts'

const connectTimeoutDefaultMs = 5_000
/** Postgres plans a statement for its values five times before it decides to keep a plan for all values. */
const rehearsals = 6
/** A server that is out of connections isn't asked for more any oftener. */
const refillDelayMs = 1_000
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
  /** Connections that are kept when there is nothing to do, and that `read` sees replaced when they end. Default: 1. */
  readonly connectionsMin?: number
  /** What `read` will be asked, with any values: each new connection rehearses it. */
  readonly prepares?: readonly PreparedQuery[]
  readonly logger: Logger
}

export interface PreparedQuery {
  readonly statement: PreparedStatement
  readonly values: readonly unknown[]
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
  readonly #connectionsMin: number
  /** Connections that are proven to be no pooler's, which would lend a server process out to others between two queries. */
  readonly #direct = new WeakSet<pg.ClientBase>()
  readonly #logger: Logger
  #keepsStatements = true
  #refillTimer: NodeJS.Timeout | null = null

  constructor ({ connectionString, applicationName, connectionsMax, queryTimeoutMs, connectTimeoutMs = connectTimeoutDefaultMs, connectionsMin = 1, prepares = [], logger }: PoolOptions) {
    const clients = new Map<DroppableClient, number | null>()
    super({
      connectionString: withLibpqTls(connectionString),
      application_name: applicationName,
      max: connectionsMax,
      // At least the last one is kept, as a server that is out of connections for others must not be for us.
      min: connectionsMin,
      connectionTimeoutMillis: connectTimeoutMs,
      // Measured here and not set as statement_timeout: transaction poolers refuse that in the startup packet.
      query_timeout: queryTimeoutMs,
      idleTimeoutMillis: 30_000,
      maxLifetimeSeconds: lifetimeS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // Awaited by pg before anybody gets the connection; its types don't mention it.
      onConnect: async (client) => await this.#rehearse(client, prepares),
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
    this.#connectionsMin = connectionsMin
    this.#logger = logger
    this.on('acquire', (client) => this.#mark(client, performance.now()))
    this.on('release', (err: unknown, client) => {
      this.#mark(client, null)
      // Whatever Postgres itself answers shows that its connection lives; only that it may not write any more may mean
      // that it isn't the primary any more. Else the others most likely lead to nowhere as well, and each would cost
      // somebody a time-out.
      if (err && (sqlState(err) === null || isReadOnly(err))) this.renew({ busyForMs: Infinity })
    })
    this.on('error', (err) => {
      // pg's end() doesn't wait for farewells: a server that stops meanwhile may say so to connections that are given up.
      if (!(err instanceof SuspectConnectionError || this.ending)) logger.warn({ err }, 'Lost an idle connection to the database')
    })
  }

  /**
   * Runs a statement that only reads. A connection that is its server's own keeps it, which halves what a short one
   * costs; over others, such as a transaction pooler's, it is sent without a name.
   */
  async read<R extends pg.QueryResultRow> (statement: PreparedStatement, values: unknown[]): Promise<R[]> {
    const client = await this.connect()
    try {
      const { rows } = await this.#read<R>(client, statement, values)
      client.release()
      // Only here, where the database has just answered: what connects to one that doesn't stands in others' way.
      if (this.totalCount < this.#connectionsMin) this.#refillSoon()
      return rows
    } catch (err) {
      client.release(err instanceof Error ? err : true)
      throw err
    }
  }

  /** Connects as often as is needed for `connectionsMin`, ahead of use. Never rejects: whoever needs a connection will know. */
  async fill (): Promise<void> {
    const missing = this.#connectionsMin - this.totalCount
    if (missing <= 0 || this.ending) return
    // The idle ones are handed out first.
    await Promise.all(Array.from({ length: this.idleCount + missing }, async () => {
      const client = await this.connect()
      client.release()
    })).catch((err: unknown) => this.#logger.debug({ err }, 'A connection ahead of use could not be made'))
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
    if (this.#refillTimer !== null) clearTimeout(this.#refillTimer)
    // Not cleared: pg's own end() doesn't wait for farewells, and one that is never answered would keep the process alive.
    setTimeout(() => { for (const client of this.#clients.keys()) client.drop() }, timeoutMs).unref()
    await this.end()
  }

  async #read<R extends pg.QueryResultRow> (client: pg.ClientBase, { name, text }: PreparedStatement, values: unknown[]): Promise<pg.QueryResult<R>> {
    if (!this.#keepsStatements || !this.#direct.has(client)) return await client.query<R>(text, values)
    try {
      return await client.query<R>({ name, text, values })
    } catch (err) {
      if (!isOfPreparing(err)) throw err
      this.#keepsStatements = false
      this.#logger.warn({ err }, 'The database does not keep prepared statements; looking keys up takes a little longer')
      return await client.query<R>(text, values)
    }
  }

  /** A server process reads a part of the catalog at its first query; nobody waits for that here. */
  async #rehearse (client: pg.ClientBase, prepares: readonly PreparedQuery[]): Promise<void> {
    if (prepares.length === 0 || !await isDirect(client)) return
    this.#direct.add(client)
    try {
      for (const { statement, values } of prepares) {
        for (let i = 0; i < rehearsals; i++) await this.#read(client, statement, [...values])
      }
    } catch (err) {
      // No such table yet, or no right to it, is for those to hear who ask.
      if (sqlState(err) === null) throw err
    }
  }

  #refillSoon (): void {
    if (this.ending) return
    this.#refillTimer ??= setTimeout(() => {
      this.#refillTimer = null
      this.fill()
    }, refillDelayMs).unref()
  }

  #mark (client: pg.ClientBase, busySinceMs: number | null): void {
    if (client instanceof DroppableClient && this.#clients.has(client)) this.#clients.set(client, busySinceMs)
  }
}
