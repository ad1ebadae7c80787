import type { Logger } from 'pino'
import type { UsageStore } from './store.ts'

/** A file system has put down by then that a file is gone: a power cut doesn't bring it back, to be written again. */
const forgetAfterMs = 60_000
const forgetEveryMs = 60_000
const pruneEveryMs = 3_600_000
const idsMax = 10_000

/** Has the store forget batches, once they can't be tried again. */
export class Forgetting {
  readonly #store: UsageStore
  readonly #logger: Logger
  #due: { readonly ids: readonly string[], readonly sinceMs: number }[] = []
  #forgotAtMs = performance.now()
  #prunedAtMs = -Infinity

  constructor (store: UsageStore, logger: Logger) {
    this.#store = store
    this.#logger = logger
  }

  /** Their rows are stored, and nowhere else any more. */
  add (ids: readonly string[]): void {
    this.#due.push({ ids, sinceMs: performance.now() })
  }

  /** Never rejects. */
  async forgetSome (): Promise<void> {
    const nowMs = performance.now()
    try {
      if (nowMs - this.#forgotAtMs >= forgetEveryMs || this.#due.length >= idsMax) await this.#forget(nowMs)
      if (nowMs - this.#prunedAtMs < pruneEveryMs) return
      this.#prunedAtMs = nowMs
      await this.#store.prune()
    } catch (err) {
      this.#logger.warn({ err }, 'old usage batches could not be forgotten')
    }
  }

  async #forget (nowMs: number): Promise<void> {
    this.#forgotAtMs = nowMs
    const end = this.#due.findIndex(({ sinceMs }) => nowMs - sinceMs < forgetAfterMs)
    const past = this.#due.splice(0, Math.min(end === -1 ? this.#due.length : end, idsMax))
    if (past.length === 0) return
    try {
      await this.#store.forget(past.flatMap(({ ids }) => ids))
    } catch (err) {
      this.#due.unshift(...past)
      throw err
    }
  }
}
