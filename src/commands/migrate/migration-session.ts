import { withDatabase } from '../database-session.ts'
import type { DatabaseSession } from '../database-session.ts'
import { readEnvironment } from '../environment.ts'

/** Opens the database for a command of `latchkey migrate`, however far it is migrated. */
export async function withMigrations<T> (work: (session: DatabaseSession) => Promise<T>): Promise<T> {
  return await withDatabase({ environment: readEnvironment(), migrations: 'ignored' }, work)
}
