import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isConnectionLost, isStoreUnavailable, sqlState } from '../database/sqlstate.ts'

/** The store didn't answer; the cause is in the log. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError'
}

export interface StoreHealthOptions {
  /** One cheap query. Its time-outs bound how long the store's return may go unnoticed. */
  readonly ping: () => Promise<void>
  /** The store has answered for the first time. What was asked of it by then is answered when this has resolved. */
  readonly onReached?: () => Promise<void>
  /** The store was away, and answers again. */
  readonly onReturn: () => void
  readonly logger: Logger
  readonly nowMs: () => number
}

const probeAfterMinMs = 100
const probeAfterMaxMs = 1_000
/** Out of connections: one of ours may be free by then. */
const crowdedDelayMs = 100
const logEveryMs = 60_000

/**
 * Whether the key store answers. From the first failure on nobody is kept waiting: who waits is told so at once, who
 * comes later isn't to ask, and a timer tries until there is an answer.
 */
export class StoreHealth {
  readonly #options: StoreHealthOptions
  readonly #waiting = new Set<(err: StoreFailedError) => void>()
  #hasReached = false
  #beginning: Promise<void> | null = null
  #isBegun = false
  #isUp = true
  #isAway = false
  #isClosed = false
  #successes = 0
  #timer: NodeJS.Timeout | null = null
  #probeAfterMs = probeAfterMinMs
  #loggedAtMs = -Infinity

  constructor (options: StoreHealthOptions) {
    this.#options = options
  }

  get hasReached (): boolean {
    return this.#hasReached
  }

  /** Whether the last answer was one; refused statements (no such table, no right) count against it too. */
  get isUp (): boolean {
    return this.#isUp
  }

  /** Whether it doesn't answer at all, so that there is no use in asking. */
  get isAway (): boolean {
    return this.#isAway
  }

  /** Runs queries, which only read. Rejects with StoreFailedError when one fails, or as soon as another one has. */
  async run<T> (query: () => Promise<T>): Promise<T> {
    if (this.#isAway || this.#isClosed) throw new StoreFailedError('The key store is away')
    return await new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      this.#attempt(query).then(async result => {
        if (!this.#isBegun) await this.#begin()
        resolve(result)
      }).catch(reject).finally(() => this.#waiting.delete(reject))
    })
  }

  /** True when the store answered. Never rejects. */
  async probe (): Promise<boolean> {
    return await this.#attempt(this.#options.ping).then(() => true, () => false)
  }

  async #begin (): Promise<void> {
    await (this.#beginning ??= this.#options.onReached?.() ?? Promise.resolve())
    this.#isBegun = true
  }

  /** There is reason to think that it is back. */
  retryNow (): void {
    if (!this.#isUp && !this.#isClosed) this.probe()
  }

  /** Ends the probing, and every wait. */
  close (): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#giveUp()
  }

  async #attempt<T> (query: () => Promise<T>): Promise<T> {
    const successesBefore = this.#successes
    try {
      const result = await this.#twice(query)
      this.#answered()
      return result
    } catch (err) {
      // A late failure of a query that others have overtaken says nothing of the present.
      if (this.#successes === successesBefore) this.#failed(err)
      this.#log(err)
      throw new StoreFailedError('The key store failed', { cause: err })
    }
  }

  /** A restart and a failover break connections which nobody was using; the next one is as good as new. */
  async #twice<T> (query: () => Promise<T>): Promise<T> {
    try {
      return await query()
    } catch (err) {
      const isCrowded = sqlState(err) === '53300'
      if (this.#isAway || this.#isClosed || !(isCrowded || isConnectionLost(err))) throw err
      if (isCrowded) await delay(crowdedDelayMs)
      return await query()
    }
  }

  #answered (): void {
    const { logger, onReturn } = this.#options
    const wasAway = this.#isAway
    this.#successes++
    this.#hasReached = true
    if (!this.#isUp) logger.info('The key store answers again')
    this.#isUp = true
    this.#isAway = false
    this.#probeAfterMs = probeAfterMinMs
    if (wasAway) onReturn()
  }

  #failed (err: unknown): void {
    this.#isUp = false
    if (isStoreUnavailable(err)) {
      this.#isAway = true
      this.#giveUp()
    }
    this.#probeLater()
  }

  #giveUp (): void {
    for (const reject of this.#waiting) reject(new StoreFailedError('The key store is away'))
    this.#waiting.clear()
  }

  /** One timer at a time, until the store is up. A try that hung has waited long enough for the next. */
  #probeLater (elapsedMs = 0): void {
    if (this.#timer !== null || this.#isClosed) return
    this.#timer = setTimeout(async () => {
      const startedAtMs = performance.now()
      if (!this.#isUp) await this.probe()
      this.#timer = null
      if (!this.#isUp) this.#probeLater(performance.now() - startedAtMs)
    }, Math.max(this.#probeAfterMs - elapsedMs, probeAfterMinMs)).unref()
    this.#probeAfterMs = Math.min(this.#probeAfterMs * 2, probeAfterMaxMs)
  }

  #log (err: unknown): void {
    const nowMs = this.#options.nowMs()
    if (Math.abs(nowMs - this.#loggedAtMs) < logEveryMs) return
    this.#loggedAtMs = nowMs
    this.#options.logger.error({ err }, 'The key store cannot be asked; cached keys go on for keys.whenStoreIsDown.serveCachedFor')
  }
}
