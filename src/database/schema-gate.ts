import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UsageError } from '../errors.ts'
import { migrateUp, pendingMigrations } from './migrate.ts'
import { isStoreUnavailable } from './sqlstate.ts'

const retryEveryMs = 1_000
const logEveryMs = 60_000
/** An attempt that hangs when the database is back finds that out no sooner. */
const timeouts = { connectTimeoutMs: 3_000, queryTimeoutMs: 3_000 }

export interface SchemaGateOptions {
  /** A session connection. */
  readonly connectionString: string
  readonly migrates: boolean
  readonly logger: Logger
}

/**
 * True once the schema is complete, having run pending migrations where `migrates`; false, and logged, while the
 * database can't be reached. Throws a UsageError that says what to do when migrations are pending and not ours to run.
 */
export async function ensureSchema (options: SchemaGateOptions): Promise<boolean> {
  return await attempt(options, err => logAway(options, err))
}

/**
 * Asks again what `ensureSchema` asked until it is true; an outage that goes on is logged once a minute. Rejects with
 * what that throws, and with AbortError.
 */
export async function awaitSchema (options: SchemaGateOptions, signal: AbortSignal): Promise<void> {
  let saidAtMs = performance.now()
  const onAway = (err: unknown): void => {
    const nowMs = performance.now()
    if (nowMs - saidAtMs < logEveryMs) return
    saidAtMs = nowMs
    logAway(options, err)
  }
  do await delay(retryEveryMs, undefined, { signal })
  while (!await attempt(options, onAway))
}

async function attempt ({ connectionString, migrates, logger }: SchemaGateOptions, onAway: (err: unknown) => void): Promise<boolean> {
  try {
    const pending = await pendingMigrations(connectionString, timeouts)
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
    onAway(err)
    return false
  }
}

function logAway ({ logger }: SchemaGateOptions, err: unknown): void {
  logger.warn({ err }, 'the database cannot be reached; trying again until it can')
}
