import type pg from 'pg'
import type { Logger } from 'pino'
import type { Environment } from '../config/environment.ts'
import { UsageError } from '../errors.ts'
import { Peppers } from '../keys/digest.ts'
import { commandLogger } from './environment.ts'
import { InterruptedError } from './fault.ts'

/** The database as a command sees it: DATABASE_URL, or the embedded one, found running or started for the while. */
export interface DatabaseSession {
  readonly pool: pg.Pool
  readonly url: string
  /** For migrations and LISTEN: DATABASE_DIRECT_URL where a pooler stands before the database. */
  readonly directUrl: string
  readonly isEmbedded: boolean
  /** The embedded database brings a pepper of its own, listed behind those of the environment. */
  readonly peppers: Peppers
  readonly logger: Logger
}

export interface SessionOptions {
  readonly environment: Environment
  /** `needed`: pending migrations are run on the embedded database and a fault on any other. */
  readonly migrations: 'needed' | 'ignored'
}

/**
 * Opens the database, hands it to `work`, and closes everything in order, after SIGINT and SIGTERM too, so that an
 * embedded Postgres never outlives the command that started it.
 */
export async function withDatabase<T> (options: SessionOptions, work: (session: DatabaseSession) => Promise<T>): Promise<T> {
  const interruption = catchSignals()
  const opening = openDatabase(options.environment)
  let isInterrupted = false
  interruption.promise.catch(() => { isInterrupted = true })
  try {
    const session = await Promise.race([opening, interruption.promise])
    return await Promise.race([migrateThen(session, options.migrations, work), interruption.promise])
  } finally {
    await opening.then(async session => await session.close({ waits: !isInterrupted }), () => {})
    interruption.release()
  }
}

async function openDatabase (environment: Environment): Promise<DatabaseSession & { close (how: { waits: boolean }): Promise<void> }> {
  const [{ openEmbedded }, { createPool }] = await Promise.all([import('../database/embedded.ts'), import('../database/pool.ts')])
  const logger = commandLogger(environment)
  const embedded = environment.databaseUrl === null
    ? await openEmbedded({ dataDir: environment.dataDir, role: 'command', logger })
    : null
  const url = embedded?.url ?? environment.databaseUrl ?? ''
  const pool = createPool({ connectionString: url, applicationName: 'latchkey command', connectionsMax: 2, queryTimeoutMs: 30_000, logger })
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', client => clients.add(client))
  pool.on('remove', client => clients.delete(client))
  return {
    pool,
    url,
    directUrl: embedded?.url ?? environment.databaseDirectUrl ?? url,
    isEmbedded: embedded !== null,
    peppers: new Peppers(embedded === null ? environment.keyPeppers : [...environment.keyPeppers, embedded.pepper]),
    logger,
    async close ({ waits }) {
      // A client with a query under way is cut off by its own end(), while the pool's waits for the answer.
      if (!waits) await Promise.allSettled([...clients].map(async client => await (client as unknown as pg.Client).end()))
      await pool.end()
      await embedded?.close()
    },
  }
}

async function migrateThen<T> (session: DatabaseSession, migrations: SessionOptions['migrations'], work: (session: DatabaseSession) => Promise<T>): Promise<T> {
  if (migrations === 'needed') {
    const { migrateUp, pendingMigrations } = await import('../database/migrate.ts')
    const pending = await pendingMigrations(session.directUrl)
    if (pending > 0 && session.isEmbedded) await migrateUp({ connectionString: session.directUrl, logger: session.logger })
    if (pending > 0 && !session.isEmbedded) {
      throw new UsageError(`The database lacks ${pending === 1 ? 'a migration' : `${pending} migrations`}. Run: latchkey migrate up`)
    }
  }
  return await work(session)
}

function catchSignals (): { promise: Promise<never>, release: () => void } {
  const { promise, reject } = withResolvers<never>()
  // Awaited by races only: without a handler of its own a signal between two of them would be an unhandled rejection.
  promise.catch(() => {})
  const onInterrupt = () => reject(new InterruptedError('SIGINT'))
  const onTerminate = () => reject(new InterruptedError('SIGTERM'))
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onTerminate)
  return {
    promise,
    release () {
      process.removeListener('SIGINT', onInterrupt)
      process.removeListener('SIGTERM', onTerminate)
    },
  }
}

function withResolvers<T> (): { promise: Promise<T>, reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => {}
  const promise = new Promise<T>((_resolve, _reject) => { reject = _reject })
  return { promise, reject }
}
