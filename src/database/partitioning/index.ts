import type pg from 'pg'
import type { Logger } from 'pino'
import { UsageError } from '../../errors.ts'
import { type SessionTimeouts, withMigrationSession, withSession } from '../migration-session.ts'
import { type ConversionOptions, convertUsage } from './convert.ts'
import { PartitioningRefusedError } from './refusals.ts'
import { readPartitioning, type UsagePartitioning } from './state.ts'

export type { PartitioningProgress } from './convert.ts'
export { revertUsage } from './revert.ts'
export { readPartitioning, type UsagePartitioning }

/** Up to here it takes a second or two, which nobody minds at a start. */
const smallRowsMax = 100_000
/** Whoever has the table locked for longer than this isn't waited for at a start. */
const startPatienceMs = 10_000
const commandPatienceMs = 600_000

export interface PartitioningOptions extends Partial<ConversionOptions> {
  /** Must be a direct or session connection. */
  readonly connectionString: string
  /** How long to wait for another process that migrates the same database. */
  readonly lockTimeoutMs?: number
}

export interface PartitioningOutcome extends UsagePartitioning {
  /** Why it can't be done; none where it was. */
  readonly refusals: readonly string[]
}

/**
 * Makes api_key_usage a table partitioned by month, however long that takes, while gateways go on; where that was begun
 * before it is resumed. Errors: UsageError for what a person can mend, which are not the refusals.
 */
export async function partitionUsage ({ connectionString, lockTimeoutMs = 60_000, lockPatienceMs = commandPatienceMs, ...options }: PartitioningOptions): Promise<PartitioningOutcome> {
  return await withMigrationSession({ connectionString, lockTimeoutMs }, async (client) => {
    let refusals: readonly string[] = []
    try {
      await convertUsage(client, { ...options, lockPatienceMs })
    } catch (err) {
      if (!(err instanceof PartitioningRefusedError)) throw err
      refusals = err.reasons
    }
    return { ...await readPartitioning(client), refusals }
  })
}

/** How far it is; reads only. */
export async function partitioningStatus (connectionString: string, timeouts?: SessionTimeouts): Promise<UsagePartitioning> {
  return await withSession(connectionString, 'latchkey migrations', readPartitioning, timeouts)
}

/**
 * The same after migrations that ran at a gateway's start, where it is done in no time. A large table is left for
 * `latchkey migrate up`: at a start, several gateways may wait for the lock that is held meanwhile, and nobody watches.
 * Gateways work with either table, so it is never a reason not to start.
 */
export async function partitionSmallUsage (client: pg.Client, logger: Logger): Promise<void> {
  if ((await readPartitioning(client)).state !== 'plain') return
  const { rows: [some] } = await client.query<{ count: number }>(
    `select pg_catalog.count(*)::int as count from (select from public.api_key_usage limit ${smallRowsMax + 1}) as first_rows`
  )
  if (some === undefined || some.count > smallRowsMax) {
    logger.warn('api_key_usage is not partitioned by month yet, as it is large. Run, while gateways go on: latchkey migrate up')
    return
  }
  try {
    await convertUsage(client, { lockPatienceMs: startPatienceMs })
  } catch (err) {
    if (!(err instanceof PartitioningRefusedError || err instanceof UsageError)) throw err
    logger.warn(err.message)
  }
}
