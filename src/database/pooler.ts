import type pg from 'pg'
import { withLibpqTls } from './connection.ts'
import { DroppableClient } from './droppable-client.ts'

const timeoutDefaultMs = 10_000
const roundsMax = 3
const farewellMs = 500

/**
 * True when the connection goes through a pooler that lends a server session for one transaction at a time (PgBouncer
 * in transaction mode, Supabase's port 6543): there session locks, SET and LISTEN don't hold. Errors: those of
 * connecting. `timeoutMs` is for each connection and each query.
 *
 * Told by behaviour: two connections that are open at once can't have the same server process, nor can one connection
 * have two, unless something in between lends them out.
 */
export async function isTransactionPooled (connectionString: string, timeoutMs = timeoutDefaultMs): Promise<boolean> {
  const one = newClient(connectionString, timeoutMs)
  const other = newClient(connectionString, timeoutMs)
  try {
    await one.connect()
    // The common case ends here.
    if (await isDirect(one)) return false

    const pid = await backendPid(one)
    await other.connect()
    for (let round = 0; round < roundsMax; round++) {
      const otherPid = await backendPid(other)
      if (otherPid === pid || await backendPid(one) !== pid) return true
    }
    return false
  } finally {
    for (const client of [one, other]) {
      client.end().catch(() => {})
      client.dropSoon(farewellMs)
    }
  }
}

/**
 * True where a connection leads to one server process for as long as it lives: Postgres announces the process id at
 * connecting, a pooler makes up an id of its own.
 */
export async function isDirect (client: pg.ClientBase): Promise<boolean> {
  return announcedPid(client) === await backendPid(client)
}

function newClient (connectionString: string, timeoutMs: number): DroppableClient {
  const client = new DroppableClient({
    connectionString: withLibpqTls(connectionString),
    application_name: 'latchkey (pooler check)',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  // The query under way, or the next one, fails with the same error.
  client.on('error', () => {})
  return client
}

async function backendPid (client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? -1
}

/** pg keeps it for cancelling queries; its types don't mention it. */
function announcedPid (client: pg.ClientBase): unknown {
  return 'processID' in client ? client.processID : undefined
}
