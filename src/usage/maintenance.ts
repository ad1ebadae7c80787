import type pg from 'pg'
import type { Logger } from 'pino'
import { RowsHiddenError } from '../database/hidden-rows.ts'
import { SparingLog } from '../database/sparing-log.ts'
import { isStoreUnavailable, sqlState } from '../database/sqlstate.ts'
import { dropOldPartitions, makePartitions } from './partitions.ts'
import { rollUp } from './rollups/roll-up.ts'

export interface UsageMaintenanceOptions {
  /** For this alone: it is used for as long as its queries may take. The caller ends it, after `close`. */
  readonly pool: pg.Pool
  /** How long rows are kept, by months; null: for ever. */
  readonly retentionMs: number | null
  readonly rollUpEveryMs?: number
  readonly partitionsEveryMs?: number
  readonly logger: Logger
}

/**
 * Most of what it costs to roll up is the rows of the roll-ups that change: rows of usage that wait for each other share
 * them. Reports look at what waits, which takes them some 3 µs a row.
 */
const rollUpEveryDefaultMs = 30_000
const partitionsEveryDefaultMs = 3_600_000

/**
 * Counts usage into the roll-ups, makes the partitions that the next months need, and drops those whose rows are older
 * than they are to be kept, once all of them are counted. Any number of processes may do this for one database: one
 * works, the others find nothing to do. What fails is tried again at a later turn; nothing depends on it but how fast
 * reports are, and how full the disk.
 */
export class UsageMaintenance {
  readonly #pool: pg.Pool
  readonly #retentionMs: number | null
  readonly #rollUpEveryMs: number
  readonly #partitionsEveryMs: number
  readonly #logger: Logger
  readonly #log: SparingLog
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #partitionsDueAtMs = 0
  /** For a reason that only a person can mend: asked again when the partitions are due. */
  #cannotRollUp = false

  constructor ({ pool, retentionMs, rollUpEveryMs = rollUpEveryDefaultMs, partitionsEveryMs = partitionsEveryDefaultMs, logger }: UsageMaintenanceOptions) {
    this.#pool = pool
    this.#retentionMs = retentionMs
    this.#rollUpEveryMs = rollUpEveryMs
    this.#partitionsEveryMs = partitionsEveryMs
    this.#logger = logger
    this.#log = new SparingLog(logger)
  }

  /** Begins at once, and goes on until `close`. */
  start (): void {
    this.#running = this.#turn().finally(() => {
      this.#running = null
      // Not all processes of a host at once.
      if (!this.#isClosed) this.#timer = setTimeout(() => this.start(), this.#rollUpEveryMs * (0.75 + Math.random() / 2)).unref()
    })
  }

  /** Resolves when nothing runs any more, after `timeoutMs` at the latest; what runs then ends with its pool. */
  async close ({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise((resolve) => { timer = setTimeout(resolve, timeoutMs) })
    await Promise.race([this.#running, timeout])
    clearTimeout(timer)
  }

  get #isClosed (): boolean {
    return this.#stop.signal.aborted
  }

  /** Never rejects. */
  async #turn (): Promise<void> {
    const arePartitionsDue = performance.now() >= this.#partitionsDueAtMs
    if (arePartitionsDue) {
      this.#partitionsDueAtMs = performance.now() + this.#partitionsEveryMs
      this.#cannotRollUp = false
      await this.#attempt('Partitions of usage could not be made', async () => await this.#makePartitions())
    }
    if (!this.#cannotRollUp) this.#cannotRollUp = !await this.#attempt('Usage could not be rolled up', async () => await this.#rollUp())
    if (arePartitionsDue && this.#retentionMs !== null && !this.#cannotRollUp) {
      const retentionMs = this.#retentionMs
      await this.#attempt('Old usage could not be dropped', async () => await this.#dropOld(retentionMs))
    }
  }

  async #makePartitions (): Promise<void> {
    const partitions = await makePartitions(this.#pool)
    if (partitions > 0) this.#logger.info({ partitions }, 'partitions of usage made')
  }

  async #rollUp (): Promise<void> {
    const outcome = await rollUp(this.#pool, { notWithinMs: this.#rollUpEveryMs / 2, settleTimeoutMs, signal: this.#stop.signal })
    if (outcome === 'unsettled' || outcome === 'locked') this.#log.warn(outcome, {}, `${hindrances[outcome]}: usage is not rolled up meanwhile, and reports become slower`)
  }

  async #dropOld (retentionMs: number): Promise<void> {
    const outcome = await dropOldPartitions(this.#pool, retentionMs)
    if (outcome === 'not partitioned') {
      this.#log.warnOnce(outcome, {}, 'usage.retention has no effect: api_key_usage is not partitioned. `latchkey migrate up` does it')
      return
    }
    const { partitions, leavesUncounted } = outcome
    if (partitions.length > 0) this.#logger.info({ partitions }, 'usage older than usage.retention dropped')
    if (leavesUncounted) this.#partitionsSoon()
  }

  /** False where trying again is no use before somebody has done something about it. */
  async #attempt (failure: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#isClosed) return true
    try {
      await work()
      return true
    } catch (err) {
      if (this.#isClosed) return true
      const remedy = remedyOf(err)
      if (remedy !== null) {
        this.#log.warnOnce(failure, { err, remedy }, `${failure}. ${remedy}`)
        return false
      }
      // An outage is for those to tell whom it harms.
      if (isStoreUnavailable(err)) this.#logger.debug({ err }, `${failure} now`)
      else this.#log.warn(failure, { err }, `${failure}, trying again`)
      // Whoever reads for long would be met again and again, and all that write behind us each time.
      if (sqlState(err) !== lockNotAvailable) this.#partitionsSoon()
      return true
    }
  }

  #partitionsSoon (): void {
    this.#partitionsDueAtMs = Math.min(this.#partitionsDueAtMs, performance.now() + this.#rollUpEveryMs)
  }
}

const lockNotAvailable = '55P03'

/** In the background, and without holding anything. */
const settleTimeoutMs = 30_000

const hindrances = {
  unsettled: 'A transaction that has inserted into api_key_usage is open for long',
  locked: 'Somebody keeps keys or a table of usage locked',
} as const

/** What a person has to do; null where it may work by itself the next time. */
function remedyOf (err: unknown): string | null {
  if (err instanceof RowsHiddenError) return err.message
  switch (sqlState(err)) {
    case '42501': return neededGrants
    case '42P01': case '42883': case '42703': case '3F000': return 'Run: latchkey migrate up'
    default: return null
  }
}

const neededGrants = 'Connect as the owner of the tables, or grant the role: USAGE ON SCHEMA latchkey; SELECT ON public.api_key_usage; ' +
  'SELECT, INSERT, UPDATE ON latchkey.usage_hourly, latchkey.usage_daily; SELECT, UPDATE ON latchkey.usage_rollup; ' +
  'EXECUTE ON FUNCTION latchkey.make_usage_partitions, latchkey.drop_usage_partitions'
