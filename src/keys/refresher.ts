import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { cacheEntryOf } from './cache-entry.ts'
import type { KeyCache } from './cache.ts'
import type { Invalidations } from './invalidations.ts'
import { StoreFailedError } from './store-health.ts'
import { secretOf, type StoredSecrets } from './store.ts'

export interface RefresherOptions {
  readonly cache: KeyCache
  readonly invalidations: Invalidations
  /** By id; missing: no such key. Rejects with StoreFailedError when the store can't say. */
  readonly find: (ids: readonly number[]) => Promise<ReadonlyMap<number, StoredSecrets>>
  readonly isAdmitted: (environment: string | null) => boolean
  /** The epoch in force. */
  readonly epoch: () => number
  /** Entries confirmed longer ago answer nobody, not even in an outage, and are left alone. */
  readonly servedMs: number
  readonly nowMs: () => number
  readonly logger: Logger
}

/** A few milliseconds' work, during which nobody else gets a turn. */
const batchMax = 200
/** Between two batches, and between two passes: notifications that concern every key may come at any rate. */
const batchPauseMs = 5
const passPauseMs = 1_000

/**
 * Reads what is cached again, in the background, after notifications may have been lost. A recheck on use alone would
 * leave what isn't used meanwhile as it was: a key revoked while nobody listened would be served in the next outage.
 */
export class Refresher {
  readonly #options: RefresherOptions
  readonly #closing = new AbortController()
  #running: Promise<void> | null = null
  #isDue = false

  constructor (options: RefresherOptions) {
    this.#options = options
  }

  /** A new epoch has begun. Under way already, it passes once more afterwards. */
  start (): void {
    this.#isDue = true
    this.resume()
  }

  /** The store is back: goes on with what its absence has ended. */
  resume (): void {
    if (!this.#isDue || this.#closing.signal.aborted) return
    this.#running ??= this.#run().finally(() => { this.#running = null })
  }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run (): Promise<void> {
    const { cache, epoch, servedMs, nowMs, logger } = this.#options
    try {
      while (this.#isDue && !this.#closing.signal.aborted) {
        this.#isDue = false
        const current = epoch()
        const oldestMs = nowMs() - servedMs
        const ids = cache.idsWhere((entry) => entry.epoch < current && entry.confirmedAtMs > oldestMs)
        for (let i = 0; i < ids.length; i += batchMax) {
          await this.#read(ids.slice(i, i + batchMax))
          await this.#pause(batchPauseMs)
        }
        if (ids.length > 0) await this.#pause(passPauseMs)
      }
    } catch (err) {
      this.#isDue = true
      if (!(err instanceof StoreFailedError)) logger.error({ err }, 'Cached keys could not be read again')
    }
  }

  async #read (ids: readonly number[]): Promise<void> {
    const { cache, invalidations, find, isAdmitted, nowMs } = this.#options
    const epoch = this.#options.epoch()
    const atMs = nowMs()
    const since = invalidations.now()
    invalidations.begin()
    try {
      const found = await find(ids)
      // Nothing is awaited between the look at the invalidations and the cache being filled.
      for (const id of ids) {
        if (invalidations.hasChanged(since, id)) continue
        const secrets = found.get(id)
        for (const [name, entry] of cache.entriesOf(id)) {
          if (entry.epoch >= epoch) continue
          const stored = secrets === undefined ? null : secretOf(secrets, entry.record.secretId)
          if (stored !== null && isAdmitted(stored.record.environment)) cache.set(name, cacheEntryOf(stored, atMs, epoch))
          // What may only be hidden stays as it was, and is asked for again on use.
          else if (stored !== null || secrets?.hidesEarlier !== true) cache.delete(name)
        }
      }
    } finally {
      invalidations.end()
    }
  }

  async #pause (ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {})
  }
}
