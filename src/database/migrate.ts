import { readdir } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import type { Logger } from 'pino'
import type Postgrator from 'postgrator'
import { UsageError } from '../errors.ts'
import { adoptionFaults } from './adoption.ts'
import { appliedMigrations, createBookkeeping, databaseVersion, dropBookkeeping } from './bookkeeping.ts'
import type { Applied, MigrationStatus } from './bookkeeping.ts'
import { inTransaction, withMigrationSession, withSession } from './migration-session.ts'
import type { SessionTimeouts } from './migration-session.ts'
import { partitionSmallUsage, revertUsage } from './partitioning/index.ts'

const migrationsFolder = path.join(import.meta.dirname, '../../migrations')
const lockTimeoutMsDefault = 60_000
/** Makes the seed's tables; undoing it drops them. */
const keyTablesVersion = 11
/** Brings what partitions need; undoing it makes a plain table of them. */
const partitionsVersion = 18
/** Makes the roll-ups; undoing it drops them. */
const rollUpsVersion = 19

export type { Applied, MigrationStatus }

interface Common {
  /** Must be a direct or session connection. */
  readonly connectionString: string
  readonly lockTimeoutMs?: number | undefined
  /** Where the SQL files are; those of the product when left out. */
  readonly folder?: string | undefined
}

/**
 * Runs all pending migrations and returns them in order. Any number of processes may call it at once: each migration
 * runs once. Each is one transaction together with its bookkeeping, so that a migration is applied wholly or not at
 * all; those before a failing one stay. Afterwards usage is partitioned by month, unless there is much of it.
 *
 * Errors: UsageError for what a person can mend (a pooled connection, tables that don't fit, a lock that is held),
 * Error naming the migration when one fails.
 */
export async function migrateUp ({ logger, ...options }: Common & { readonly logger: Logger }): Promise<Applied[]> {
  return await inSession(options, async (client, postgrator) => {
    const migrations = await postgrator.getMigrations()
    const current = await databaseVersion(client)
    const pending = postgrator.getRunnableMigrations(current, Math.max(current, ...migrations.map(({ version }) => version)))
    if (pending.length === 0) return []

    await refuseMisfits(client)
    await createBookkeeping(client)
    await refuseEdited(postgrator, current)
    for (const migration of pending) {
      await inTransaction(client, async () => await run(postgrator, migration))
      logger.info({ version: migration.version }, `Migration ${label(migration)} applied`)
    }
    await partitionSmallUsage(client, logger)
    return pending.map(applied)
  })
}

/**
 * Undoes every migration above `to`, or the latest one where `to` is left out, and returns them in the order of their
 * undoing. All happens in one transaction. `to: 0` leaves nothing of ours in the database.
 *
 * Errors: UsageError when that would drop tables that hold keys or usage, or the only count of usage that retention has
 * dropped, and `dropKeysAndUsage` isn't true.
 */
export async function migrateDown (
  { to, dropKeysAndUsage = false, ...options }: Common & { readonly to?: number | undefined, readonly dropKeysAndUsage?: boolean | undefined }
): Promise<Applied[]> {
  return await inSession(options, async (client, postgrator) => {
    await postgrator.getMigrations()
    const current = await databaseVersion(client)
    if (current === 0) return []
    const target = to ?? (await appliedMigrations(client)).at(-2)?.version ?? 0
    if (target >= current) return []
    const undone = postgrator.getRunnableMigrations(current, target)

    await inTransaction(client, async () => {
      await refuseUnknown(client, target, undone)
      await lockInWritersOrder(client)
      if (undone.some(({ version }) => version === keyTablesVersion) && !dropKeysAndUsage) await refuseToDropKeys(client)
      if (undone.some(({ version }) => version === rollUpsVersion) && !dropKeysAndUsage) await refuseToDropRollUps(client)
      if (undone.some(({ version }) => version === partitionsVersion)) {
        await revertUsage(client, { losesRows: undone.some(({ version }) => version === keyTablesVersion) })
      }
      for (const migration of undone) await run(postgrator, migration)
      if (await databaseVersion(client) === 0) await dropBookkeeping(client)
    })
    return undone.map(applied)
  })
}

/** Every migration in order, the product's and those that a newer release has run here. */
export async function migrationStatus (connectionString: string, timeouts?: SessionTimeouts): Promise<MigrationStatus[]> {
  return await withSession(connectionString, 'latchkey migrations', async (client) => {
    const status = new Map<number, MigrationStatus>()
    for (const { version, name } of await knownMigrations()) status.set(version, { version, name, appliedAt: null })
    for (const done of await appliedMigrations(client)) status.set(done.version, done)
    return [...status.values()].sort((a, b) => a.version - b.version)
  }, timeouts)
}

/** How many migrations `migrateUp` would run. */
export async function pendingMigrations (connectionString: string, timeouts?: SessionTimeouts): Promise<number> {
  return (await migrationStatus(connectionString, timeouts)).filter(({ appliedAt }) => appliedAt === null).length
}

async function inSession<T> (
  { connectionString, lockTimeoutMs = lockTimeoutMsDefault, folder = migrationsFolder }: Common,
  work: (client: pg.Client, postgrator: Postgrator) => Promise<T>
): Promise<T> {
  return await withMigrationSession({ connectionString, lockTimeoutMs }, async (client) => {
    return await work(client, await newPostgrator(folder, async (sql) => await client.query(sql)))
  })
}

async function newPostgrator (folder: string, execQuery: (sql: string) => Promise<{ rows: unknown[] }>): Promise<Postgrator> {
  const { default: Postgrator } = await import('postgrator')
  return new Postgrator({
    driver: 'pg',
    schemaTable: 'latchkey.migrations',
    migrationPattern: `${globEscaped(folder)}/*.sql`,
    // A checkout with CRLF has the same checksums.
    newline: 'LF',
    execQuery,
  })
}

/** A folder's name may hold what glob takes for a pattern, such as brackets. */
function globEscaped (folder: string): string {
  return path.sep === '\\' ? folder.replaceAll('\\', '/') : folder.replace(/[\\?*()[\]{}!+@]/g, '\\$&')
}

/** By the names of their files: every start asks, and what runs them takes a while to load. */
async function knownMigrations (): Promise<Applied[]> {
  return (await readdir(migrationsFolder)).flatMap((file) => {
    const [, version, name] = /^(\d+)\.do\.(.+)\.sql$/.exec(file) ?? []
    return version === undefined || name === undefined ? [] : [{ version: Number(version), name }]
  })
}

async function refuseMisfits (client: pg.Client): Promise<void> {
  const faults = await adoptionFaults(client)
  if (faults.length === 0) return
  throw new UsageError(['The tables in this database do not fit. Nothing was changed. Mend these and run it again:', ...faults.map((fault) => `  ${fault}`)].join('\n'))
}

async function refuseEdited (postgrator: Postgrator, version: number): Promise<void> {
  try {
    await postgrator.validateMigrations(version)
  } catch (err) {
    if (!(err instanceof Error) || !err.message.startsWith('MD5 checksum failed')) throw err
    throw new UsageError(`A migration's file was changed after it had run on this database: ${err.message}. Put the original back; changes belong in a new migration.`, { cause: err })
  }
}

/** A newer release's migrations can be undone by that release only. */
async function refuseUnknown (client: pg.Client, target: number, undone: readonly Applied[]): Promise<void> {
  const undoable = new Set(undone.map(({ version }) => version))
  const unknown = (await appliedMigrations(client)).filter(({ version }) => version > target && !undoable.has(version))
  if (unknown.length === 0) return
  throw new UsageError(`This release has no undo for ${unknown.map(label).join(', ')}. Use the release that ran it.`)
}

/**
 * What is undone locks these one way or the other. Gateways that write, and whoever deletes a key, come to them in this
 * order: taken in another, one of the two would wait for the other, and Postgres would end the one that has worked for
 * longer.
 */
async function lockInWritersOrder (client: pg.Client): Promise<void> {
  for (const table of ['latchkey.usage_batches', 'public.api_keys', 'public.api_key_usage']) {
    const { rows } = await client.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [table])
    if (rows[0]?.exists === true) await client.query(`lock table ${table} in access exclusive mode`)
  }
}

/** Of the time before the first row there is nothing but the roll-ups. */
async function refuseToDropRollUps (client: pg.Client): Promise<void> {
  const { rows: [found] } = await client.query<{ first_day: string | null }>(`
    select min(day)::date::text as first_day from latchkey.usage_daily
    where day < coalesce((select date_trunc('day', min(created_at), 'UTC') from public.api_key_usage), 'infinity')`)
  if (found?.first_day == null) return
  throw new UsageError(`Undoing migration ${rollUpsVersion} drops the counts of usage since ${found.first_day}, whose rows are gone already: nothing could count it again. Nothing was changed. Say --drop-keys-and-usage to lose them (keys and rows stay, unless migration ${keyTablesVersion} is undone as well).`)
}

async function refuseToDropKeys (client: pg.Client): Promise<void> {
  for (const table of ['api_keys', 'api_key_usage']) {
    const { rows } = await client.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [table])
    if (rows[0]?.exists !== true) continue
    // Nobody may add a row between this look and the drop.
    await client.query(`lock table ${table} in access exclusive mode`)
    const { rowCount } = await client.query(`select from ${table} limit 1`)
    if (rowCount === 0) continue
    throw new UsageError(`Undoing migration ${keyTablesVersion} drops every API key and all usage, and ${table} holds rows. Nothing was changed. Say --drop-keys-and-usage to lose them, or --to ${keyTablesVersion} to keep them.`)
  }
}

async function run (postgrator: Postgrator, migration: Postgrator.Migration): Promise<void> {
  try {
    await postgrator.runMigrations([migration])
  } catch (err) {
    const { message, detail, hint } = err instanceof pg.DatabaseError ? err : { message: String(err), detail: undefined, hint: undefined }
    const verb = migration.action === 'do' ? 'Migration' : 'Undoing migration'
    const reason = [message, detail, hint].filter((part) => part !== undefined).join('. ')
    throw new Error(`${verb} ${label(migration)} failed, and nothing of it was kept: ${reason}`, { cause: err })
  }
}

function applied ({ version, name }: Applied): Applied {
  return { version, name }
}

function label ({ version, name }: Applied): string {
  return `${String(version).padStart(3, '0')} (${name})`
}
