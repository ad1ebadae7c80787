import { UsageError } from '../../errors.ts'
import { withDatabase } from '../database-session.ts'
import type { DatabaseSession } from '../database-session.ts'
import { readEnvironment } from '../environment.ts'

/** Opens the database for a migration command, over a connection that can hold an advisory lock. */
export async function withSessionConnection<T> (work: (session: DatabaseSession) => Promise<T>): Promise<T> {
  const environment = readEnvironment()
  const url = environment.databaseDirectUrl ?? environment.databaseUrl
  if (url !== null && isTransactionPooler(url)) {
    throw new UsageError('The database address is a transaction pooler (port 6543), where migrations cannot hold their lock. Set DATABASE_DIRECT_URL to the session address (port 5432).')
  }
  return await withDatabase({ environment, migrations: 'ignored' }, work)
}

/** Supabase's transaction pooler, by its port and host name. */
export function isTransactionPooler (url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : null
  return parsed !== null && parsed.port === '6543' && /\.supabase\.(com|co|net|red)$/.test(parsed.hostname)
}
