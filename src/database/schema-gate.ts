import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UsageError } from '../errors.ts'
import { migrateUp, pendingMigrations } from './migrate.ts'
import { isStoreUnavailable } from './sqlstate.ts'

const retryEveryMs = 1_000

export interface SchemaGateOptions {
  /** A session connection. */
  readonly connectionString: string
  readonly migrates: boolean
  readonly logger: Logger
}

/**
 * True once the schema is complete, having run pending migrations where `migrates`; false while the database can't be
 * reached. Throws a UsageError that says what to do when migrations are pending and not ours to run.
 */
export async function ensureSchema ({ connectionString, migrates, logger }: SchemaGateOptions): Promise<boolean> {
  try {
    const pending = await pendingMigrations(connectionString)
    if (pending === 0) return true
    if (!migrates) {
      const what = pending === 1 ? '1 migration is' : `${pending} migrations are`
      throw new UsageError(`${what} pending on this database. Run: latchkey migrate up (or start with --migrate)`)
    }
    const applied = await migrateUp({ connectionString, logger })
    logger.info({ applied: applied.map(({ version }) => version) }, 'the database was migrated')
    return true
  } catch (err) {
    if (!isStoreUnavailable(err)) throw err
    logger.warn({ err }, 'the database cannot be reached; trying again until it can')
    return false
  }
}

/** Asks `ensureSchema` again until it is true. Rejects with what it throws, and with AbortError. */
export async function awaitSchema (options: SchemaGateOptions, signal: AbortSignal): Promise<void> {
  do await delay(retryEveryMs, undefined, { signal })
  while (!await ensureSchema(options))
}
