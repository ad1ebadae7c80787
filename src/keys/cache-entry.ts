import type { StoredKey } from './store.ts'
import { type Grace, type KeyRecord, type Verification, without } from './verification.ts'

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

/** Of an earlier secret of a key. A class of its own, so that no other entry keeps or compares anything for it. */
class GraceEntry extends CacheEntry {
  readonly #endsAtMs: number

  constructor (stored: StoredKey, { endsAtMs }: Grace, confirmedAtMs: number, epoch: number) {
    super(stored, confirmedAtMs, epoch)
    this.#endsAtMs = endsAtMs
  }

  /** On the dot, too: from then on it is a secret like any that never was one. */
  override at (nowMs: number): Verification {
    return nowMs < this.#endsAtMs ? super.at(nowMs) : without.unknown
  }
}

export function cacheEntryOf (stored: StoredKey, confirmedAtMs: number, epoch: number): CacheEntry {
  const { grace } = stored.record
  return grace === null ? new CacheEntry(stored, confirmedAtMs, epoch) : new GraceEntry(stored, grace, confirmedAtMs, epoch)
}

/** Of a key that hasn't expired. Revoked wins over disabled, which wins over expired. */
export function statusOf (record: KeyRecord): 'valid' | 'revoked' | 'disabled' {
  if (record.revokedAtMs !== null) return 'revoked'
  return record.isActive ? 'valid' : 'disabled'
}
