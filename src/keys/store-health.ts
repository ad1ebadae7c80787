import type { Logger } from 'pino'
import { isStoreUnavailable } from '../database/sqlstate.ts'

/** The store didn't answer; the cause is in the log. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError'
}

const retryAfterMs = 1000
const logEveryMs = 60_000

/**
 * Whether the key store answers. While it doesn't, one request a second tries it and the others don't wait: a database
 * that hangs would otherwise hold each of them for the whole time-out.
 */
export class StoreHealth {
  readonly #logger: Logger
  readonly #nowMs: () => number
  #hasReached = false
  #isUp = true
  #isAway = false
  #retryAtMs = 0
  #isTrying = false
  #successes = 0
  #loggedAtMs = -Infinity

  constructor ({ logger, nowMs }: { readonly logger: Logger, readonly nowMs: () => number }) {
    this.#logger = logger
    this.#nowMs = nowMs
  }

  get hasReached (): boolean {
    return this.#hasReached
  }

  /** Whether the last answer was one; refused statements (no such table, no right) count against it too. */
  get isUp (): boolean {
    return this.#isUp
  }

  /** Whether a request should not even ask. */
  isAvoided (nowMs: number): boolean {
    return this.#isAway && (this.#isTrying || (nowMs < this.#retryAtMs && nowMs >= this.#retryAtMs - retryAfterMs))
  }

  /** There is reason to think that it is back: the next request tries. */
  retryNow (): void {
    this.#retryAtMs = 0
  }

  /** Runs queries. Rejects with StoreFailedError when one fails. */
  async run<T> (query: () => Promise<T>): Promise<T> {
    const successesBefore = this.#successes
    const isTry = this.#isAway && !this.#isTrying
    if (isTry) this.#isTrying = true
    try {
      const result = await query()
      this.#successes++
      this.#hasReached = true
      if (!this.#isUp) this.#logger.info('The key store answers again')
      this.#isUp = true
      this.#isAway = false
      return result
    } catch (err) {
      // A late failure of a query that others have overtaken says nothing of the present.
      if (this.#successes === successesBefore) {
        this.#isUp = false
        if (isStoreUnavailable(err)) {
          this.#isAway = true
          this.#retryAtMs = this.#nowMs() + retryAfterMs
        }
      }
      this.#log(err)
      throw new StoreFailedError('The key store failed', { cause: err })
    } finally {
      if (isTry) this.#isTrying = false
    }
  }

  #log (err: unknown): void {
    const nowMs = this.#nowMs()
    if (Math.abs(nowMs - this.#loggedAtMs) < logEveryMs) return
    this.#loggedAtMs = nowMs
    this.#logger.error({ err }, 'The key store cannot be asked; cached keys go on for keys.whenStoreIsDown.serveCachedFor')
  }
}
