import type { StoredKey } from './store.ts'
import type { KeyRecord, Verification } from './verification.ts'

/**
 * A key whose secret was proven, and what is known of it. Neither the key nor its hash is held. There may be a hundred
 * thousand of these: whatever is added here counts as often.
 */
export class CacheEntry {
  readonly record: KeyRecord
  /** When the query that last confirmed it began. */
  readonly confirmedAtMs: number
  /** The verifier's epoch at that time. */
  readonly epoch: number
  /** Made beforehand, so that a hit allocates nothing. */
  readonly #unexpired: Verification
  #expired: Verification | null = null

  constructor (stored: StoredKey, confirmedAtMs: number, epoch: number) {
    const { record } = stored
    this.record = record
    this.confirmedAtMs = confirmedAtMs
    this.epoch = epoch
    this.#unexpired = { status: statusOf(record), key: record }
  }

  /** Expiry is on the dot: it is compared at each use. */
  at (nowMs: number): Verification {
    const { expiresAtMs } = this.record
    if (expiresAtMs === null || nowMs < expiresAtMs || this.#unexpired.status !== 'valid') return this.#unexpired
    this.#expired ??= { status: 'expired', key: this.record }
    return this.#expired
  }
}

/** Of a key that hasn't expired. Revoked wins over disabled, which wins over expired. */
export function statusOf (record: KeyRecord): 'valid' | 'revoked' | 'disabled' {
  if (record.revokedAtMs !== null) return 'revoked'
  return record.isActive ? 'valid' : 'disabled'
}
