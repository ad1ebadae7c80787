import type { Logger } from 'pino'
import { BcryptBusyError } from './bcrypt.ts'
import { type CacheEntry, cacheEntryOf } from './cache-entry.ts'
import type { KeyCache } from './cache.ts'
import type { KeyFinder, Proofs } from './finder.ts'
import type { Invalidations } from './invalidations.ts'
import { StoreFailedError } from './store-health.ts'
import { secretOf, type StoredKey } from './store.ts'
import { type Verification, without } from './verification.ts'

export interface KeyLoaderOptions {
  readonly finder: KeyFinder
  readonly cache: KeyCache
  readonly invalidations: Invalidations
  readonly isAdmitted: (environment: string | null) => boolean
  /** The epoch in force. */
  readonly epoch: () => number
  /** What a key is worth that can't be asked for; undefined: nothing is known of it. */
  readonly whileDown: (entry: CacheEntry | undefined) => Verification
  readonly nowMs: () => number
  readonly logger: Logger
}

const readsMax = 5

/** Reads a key from the store into the cache, and again where it changes meanwhile: what is kept was true after every change that was heard of. */
export class KeyLoader {
  readonly #options: KeyLoaderOptions

  constructor (options: KeyLoaderOptions) {
    this.#options = options
  }

  /** `name` is the key's in the cache, `entry` what the cache holds for it. Never rejects. */
  async load (name: string, key: string, entry: CacheEntry | undefined): Promise<Verification> {
    const { finder, cache, invalidations, isAdmitted, epoch, whileDown, nowMs, logger } = this.#options
    const begun = invalidations.now()
    try {
      const proofs: Proofs = new Map(entry ? [[entry.record.secretId, true]] : [])
      for (let reads = 0; reads < readsMax; reads++) {
        const since = invalidations.now()
        const epochBefore = epoch()
        const atMs = nowMs()
        const known = entry && reads === 0 ? await this.#recheck(entry) : null
        const found = known ?? await finder.find(key, proofs)
        if (found === 'busy') return without.busy
        // Nothing is awaited between this check and the cache being filled.
        if (invalidations.hasChanged(since, found?.record.id ?? null)) {
          // It wasn't there when this read began, which was after the key was sent: a true answer, but not one to keep.
          if (found === null && reads === readsMax - 1) return without.unknown
          continue
        }
        if (found === null || !isAdmitted(found.record.environment)) {
          if (epochBefore === epoch()) cache.setUnknown(name, atMs)
          return without.unknown
        }
        const loaded = cacheEntryOf(found, atMs, epochBefore)
        cache.set(name, loaded)
        return loaded.at(nowMs())
      }
      return without.busy
    } catch (err) {
      if (err instanceof StoreFailedError) {
        const isStill = entry !== undefined && !invalidations.hasChanged(begun, entry.record.id)
        return whileDown(isStill ? entry : undefined)
      }
      if (!(err instanceof BcryptBusyError)) logger.error({ err }, 'A key could not be verified')
      return without.busy
    }
  }

  /** Null when the row is gone or has no such secret: then the key must be looked for as if for the first time. */
  async #recheck (entry: CacheEntry): Promise<StoredKey | null> {
    const secrets = await this.#options.finder.byId(entry.record.id)
    return secrets === null ? null : secretOf(secrets, entry.record.secretId)
  }
}
