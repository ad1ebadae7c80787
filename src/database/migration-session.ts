import type pg from 'pg'
import { UsageError } from '../errors.ts'
import { withLibpqTls } from './connection.ts'
import { DroppableClient } from './droppable-client.ts'
import { isTransactionPooled } from './pooler.ts'
import { sqlState } from './sqlstate.ts'

const connectTimeoutDefaultMs = 10_000
const farewellMs = 1_000
/** PostgreSQL 14. */
const serverVersionMin = 140000
/** How long a migration may wait for a table: whatever else wants that table queues up behind it meanwhile. */
const tableLockTimeoutMs = 15_000
/** "latc", "hkey" in ASCII: any pair will do, as long as every release uses the same. */
const lockKeys = [0x6c617463, 0x686b6579]

export interface MigrationSessionOptions {
  readonly connectionString: string
  /** How long to wait for another process that migrates the same database. */
  readonly lockTimeoutMs: number
}

/**
 * Runs `work` on one dedicated session that holds the migrations' advisory lock: of all processes that call this on
 * one database, one works at a time and the others wait. The lock is the session's, so that it goes with the process,
 * however that ends.
 *
 * Errors: UsageError where the connection goes through a transaction pooler, the server is older than PostgreSQL 14,
 * or the lock isn't free in time; Error where the database can't be reached.
 */
export async function withMigrationSession<T> (
  { connectionString, lockTimeoutMs }: MigrationSessionOptions,
  work: (client: pg.Client) => Promise<T>
): Promise<T> {
  return await withSession(connectionString, 'latchkey migrate', async (client) => {
    if (await isTransactionPooled(connectionString)) {
      throw new UsageError('The database address leads through a transaction pooler, where migrations cannot hold their lock. Set DATABASE_DIRECT_URL to a direct or session connection (on Supabase: port 5432).')
    }
    await takeLock(client, lockTimeoutMs)
    await client.query(`
      set lock_timeout = ${tableLockTimeoutMs};
      -- A hosting company's default must not cut a long CREATE INDEX short.
      set statement_timeout = 0;
      set idle_in_transaction_session_timeout = 0;
      -- postgrator records the time in UTC without saying so.
      set timezone = 'UTC';
    `)
    // The migrations name the tables without a schema, as migration 011 does; everything else says public.
    await client.query('set search_path = public')
    return await work(client)
  })
}

export interface SessionTimeouts {
  readonly connectTimeoutMs?: number
  /** Of each query; left out: none. */
  readonly queryTimeoutMs?: number
}

/** Connects, hands the session to `work` and ends it. Errors: as of connecting, naming host and port. */
export async function withSession<T> (
  connectionString: string,
  applicationName: string,
  work: (client: pg.Client) => Promise<T>,
  { connectTimeoutMs = connectTimeoutDefaultMs, queryTimeoutMs }: SessionTimeouts = {}
): Promise<T> {
  const client = new DroppableClient({
    connectionString: withLibpqTls(connectionString),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    keepAlive: true,
  })
  // The query under way fails with the same error; without a listener the process would end instead.
  client.on('error', () => {})
  try {
    try {
      await client.connect()
    } catch (err) {
      throw new Error(`Cannot connect to the database at ${client.host}:${client.port}: ${reasonOf(err)}`, { cause: err })
    }
    await refuseOldServer(client)
    return await work(client)
  } finally {
    const ended = client.end().catch(() => {})
    // A server that hangs answers no farewell.
    client.dropSoon(farewellMs)
    await ended
  }
}

/** All of `work` or nothing of it. */
export async function inTransaction (client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (err) {
    // When the connection itself is gone, Postgres rolls back on its own.
    await client.query('rollback').catch(() => {})
    throw err
  }
}

async function refuseOldServer (client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number, shown: string }>(
    "select current_setting('server_version_num')::int as version, current_setting('server_version') as shown"
  )
  const [server] = rows
  if (server !== undefined && server.version < serverVersionMin) {
    throw new UsageError(`Latchkey needs PostgreSQL 14 or later; this is ${server.shown}.`)
  }
}

async function takeLock (client: pg.Client, lockTimeoutMs: number): Promise<void> {
  try {
    await client.query(`set lock_timeout = ${Math.ceil(lockTimeoutMs)}`)
    await client.query('set statement_timeout = 0')
    await client.query('select pg_advisory_lock($1, $2)', lockKeys)
  } catch (err) {
    if (sqlState(err) !== '55P03') throw err
    throw new UsageError(`Another process has been migrating this database for more than ${lockTimeoutMs / 1000} s${await lockHolder(client)}. Wait for it, or end it, and run this again.`, { cause: err })
  }
}

async function lockHolder (client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number, name: string }>(`
    select l.pid, coalesce(nullif(a.application_name, ''), 'unnamed') as name
    from pg_locks as l
    left join pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())`, lockKeys)
  const [holder] = rows
  return holder === undefined ? '' : ` (server process ${holder.pid}, ${holder.name})`
}

/** Several refused addresses of one host come as an AggregateError, whose own message is empty. */
function reasonOf (err: unknown): string {
  if (err instanceof AggregateError && err.message === '') return err.errors.map(reasonOf).join('; ')
  return err instanceof Error ? err.message : String(err)
}
