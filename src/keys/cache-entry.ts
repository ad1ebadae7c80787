import type { StoredKey } from './store.ts'
import type { KeyRecord, Verification } from './verification.ts'

/** A key whose secret was proven, and what is known of it. The key itself isn't held. */
export class CacheEntry {
  readonly record: KeyRecord
  /** The hash that the secret was proven against. */
  readonly keyHash: string
  /** When the query that last confirmed it began. */
  readonly confirmedAtMs: number
  /** The verifier's epoch at that time. */
  readonly epoch: number
  // Both made beforehand, so that a hit allocates nothing.
  readonly #unexpired: Verification
  readonly #expired: Verification
  readonly #expiresAtMs: number

  constructor (stored: StoredKey, confirmedAtMs: number, epoch: number) {
    const { record } = stored
    const status = statusOf(record)
    this.record = record
    this.keyHash = stored.keyHash
    this.confirmedAtMs = confirmedAtMs
    this.epoch = epoch
    this.#unexpired = { status, key: record }
    this.#expired = status === 'valid' ? { status: 'expired', key: record } : this.#unexpired
    this.#expiresAtMs = record.expiresAtMs ?? Infinity
  }

  /** Expiry is on the dot: it is compared at each use. */
  at (nowMs: number): Verification {
    return nowMs < this.#expiresAtMs ? this.#unexpired : this.#expired
  }
}

/** Of a key that hasn't expired. Revoked wins over disabled, which wins over expired. */
export function statusOf (record: KeyRecord): 'valid' | 'revoked' | 'disabled' {
  if (record.revokedAtMs !== null) return 'revoked'
  return record.isActive ? 'valid' : 'disabled'
}
