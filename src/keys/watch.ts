import type { Logger } from 'pino'
import { statusOf } from './cache-entry.ts'
import { secretOf, type StoredKey, type StoredSecrets } from './store.ts'
import type { KeyRecord, KeyStatus } from './verification.ts'

/** Why a use of a key ends. `unavailable`: whether the key still holds can't be found out any more. */
export type KeyEnd = Exclude<KeyStatus, 'valid' | 'malformed' | 'busy' | 'throttled'> | 'out_of_scope'

/** Something that goes on for as long as a key allows it, such as an open stream. */
export interface WatchedUse {
  /** The key as it was when it allowed this. */
  readonly key: KeyRecord
  /** Whether a usable key with what it now holds still allows it. */
  mayGoOn (current: KeyRecord): boolean
  /** Called when it was found that it may. */
  goesOn (current: KeyRecord): void
  /** Called at most once, and not after `remove`. */
  end (why: KeyEnd): void
}

export interface KeyWatchOptions {
  /** By id; missing: no such key. Rejects when the store can't say. */
  readonly find: (ids: readonly number[]) => Promise<ReadonlyMap<number, StoredSecrets>>
  /** When the query began that last confirmed this record, and whether that still counts; null when the cache doesn't hold it. */
  readonly confirmationOf: (key: KeyRecord) => Confirmation | null
  readonly isAdmitted: (environment: string | null) => boolean
  /** Whether the store is known not to answer right now. */
  readonly isStoreAvoided: () => boolean
  readonly isListening: () => boolean
  /** After so long, a key is asked for again even if nobody said that it changed. */
  readonly ttlMs: number
  /** How long uses go on beyond that while the store can't be asked. */
  readonly serveCachedForMs: number
  readonly nowMs: () => number
  readonly logger: Logger
}

export interface Confirmation {
  readonly atMs: number
  readonly isCurrent: boolean
}

interface WatchedKey {
  readonly uses: Set<WatchedUse>
  confirmedAtMs: number
  expiresAtMs: number
  /** When each of its earlier secrets ends, by `secretId`; null: it has none. */
  graceEndsAtMs: ReadonlyMap<string, number> | null
  /** Said to have changed: by then it must be known how. Infinity when it wasn't. */
  knownByMs: number
}

const tickMs = 1_000
/** Within the second that is promised. */
const changeKnownWithinMs = 900
const batchMax = 1_000

/**
 * Ends what was begun with a key when the key no longer allows it: at once when a change is notified, on the dot at
 * its expiry and at the end of an earlier secret's grace, within a second of a change while notifications are not known
 * to arrive. One query for many keys, however many uses they have, and one timer.
 */
export class KeyWatch {
  readonly #options: KeyWatchOptions
  readonly #keys = new Map<number, WatchedKey>()
  /** To be asked for; emptied into queries. */
  readonly #due = new Set<number>()
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #timerAtMs = Infinity
  #isClosed = false

  constructor (options: KeyWatchOptions) {
    this.#options = options
  }

  add (use: WatchedUse): void {
    if (this.#isClosed) return
    const nowMs = this.#options.nowMs()
    const { id } = use.key
    const confirmation = this.#options.confirmationOf(use.key)
    let watched = this.#keys.get(id)
    if (watched === undefined) {
      watched = { uses: new Set(), confirmedAtMs: confirmation?.atMs ?? nowMs, expiresAtMs: use.key.expiresAtMs ?? Infinity, graceEndsAtMs: null, knownByMs: Infinity }
      this.#keys.set(id, watched)
    }
    watched.uses.add(use)
    const isCurrent = confirmation?.isCurrent === true
    if (use.key.grace !== null) watched.graceEndsAtMs = withGrace(watched.graceEndsAtMs, use.key, isCurrent)
    if (isCurrent) watched.expiresAtMs = use.key.expiresAtMs ?? Infinity
    else {
      // The key may have changed between the request and now.
      this.#due.add(id)
      if (confirmation === null) watched.knownByMs = Math.min(watched.knownByMs, nowMs + changeKnownWithinMs)
      this.#ask()
    }
    this.#wakeBy(Math.min(nowMs + tickMs, watched.expiresAtMs, watched.knownByMs, earliest(watched.graceEndsAtMs)))
  }

  remove (use: WatchedUse): void {
    const watched = this.#keys.get(use.key.id)
    if (watched === undefined) return
    watched.uses.delete(use)
    if (watched.uses.size === 0) this.#forget(use.key.id)
  }

  /** These keys, or all, were changed in the store. */
  changed (ids: Iterable<number> | 'all'): void {
    const knownByMs = this.#options.nowMs() + changeKnownWithinMs
    for (const id of ids === 'all' ? this.#keys.keys() : ids) {
      const watched = this.#keys.get(id)
      if (watched === undefined) continue
      watched.knownByMs = Math.min(watched.knownByMs, knownByMs)
      this.#due.add(id)
    }
    if (this.#due.size === 0) return
    this.#wakeBy(knownByMs)
    this.#ask()
  }

  /** Changes may have gone by unnoticed: every key is asked for. */
  askAll (): void {
    for (const id of this.#keys.keys()) this.#due.add(id)
    this.#ask()
  }

  /** Ends nothing; waits for the query under way. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.#keys.clear()
    this.#due.clear()
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
  }

  #ask (): void {
    if (this.#due.size === 0 || this.#isClosed) return
    this.#running ??= this.#askInBatches().finally(() => { this.#running = null })
  }

  async #askInBatches (): Promise<void> {
    const { find, isStoreAvoided, nowMs, logger } = this.#options
    // What changes while a query is under way is due again, and asked for by the next.
    while (this.#due.size > 0 && !isStoreAvoided()) {
      const ids = [...this.#due].slice(0, batchMax)
      for (const id of ids) this.#due.delete(id)
      const atMs = nowMs()
      try {
        const found = await find(ids)
        for (const id of ids) {
          if (!this.#due.has(id)) this.#judge(id, found.get(id), atMs)
        }
      } catch (err) {
        logger.debug({ err }, 'The keys of open requests could not be asked for')
        for (const id of ids) if (this.#keys.has(id)) this.#due.add(id)
        return
      }
    }
  }

  #judge (id: number, secrets: StoredSecrets | undefined, atMs: number): void {
    const watched = this.#keys.get(id)
    if (watched === undefined) return
    if (secrets === undefined || !this.#options.isAdmitted(secrets.present.record.environment)) return this.#endAll(id, 'unknown')
    const { record } = secrets.present
    const status = statusOf(record)
    if (status !== 'valid') return this.#endAll(id, status)
    watched.confirmedAtMs = atMs
    watched.knownByMs = Infinity
    watched.expiresAtMs = record.expiresAtMs ?? Infinity
    watched.graceEndsAtMs = graceEndsOf(secrets.earlier)
    const nowMs = this.#options.nowMs()
    if (nowMs >= watched.expiresAtMs) return this.#endAll(id, 'expired')
    for (const use of watched.uses) {
      const secret = secretOf(secrets, use.key.secretId)
      // A secret that isn't there may only be hidden.
      if (secret === null) this.#end(id, use, secrets.hidesEarlier ? 'unavailable' : 'unknown')
      else if (secret.record.grace !== null && nowMs >= secret.record.grace.endsAtMs) this.#end(id, use, 'unknown')
      else if (!use.mayGoOn(secret.record)) this.#end(id, use, 'out_of_scope')
      else use.goesOn(secret.record)
    }
    if (watched.uses.size > 0) this.#wakeBy(Math.min(watched.expiresAtMs, earliest(watched.graceEndsAtMs)))
  }

  #tick (): void {
    const nowMs = this.#options.nowMs()
    const { isListening, ttlMs, serveCachedForMs } = this.#options
    const isNotified = isListening()
    let wakeAtMs = nowMs + tickMs
    for (const [id, watched] of this.#keys) {
      // A clock that was set back makes an age negative: that isn't young either.
      const ageMs = nowMs - watched.confirmedAtMs
      if (nowMs >= watched.expiresAtMs) this.#endAll(id, 'expired')
      else if (nowMs >= watched.knownByMs || ageMs >= ttlMs + serveCachedForMs) this.#endAll(id, 'unavailable')
      else {
        if (watched.graceEndsAtMs !== null) wakeAtMs = Math.min(wakeAtMs, this.#endEarlier(id, watched, watched.graceEndsAtMs, nowMs))
        if (watched.uses.size === 0) continue
        if (!isNotified || ageMs >= ttlMs || ageMs < 0) this.#due.add(id)
        wakeAtMs = Math.min(wakeAtMs, watched.expiresAtMs, watched.knownByMs)
      }
    }
    if (this.#keys.size > 0) this.#wakeBy(wakeAtMs)
    this.#ask()
  }

  #wakeBy (atMs: number): void {
    const nowMs = this.#options.nowMs()
    const wakeAtMs = Math.min(atMs, nowMs + tickMs)
    if (this.#timer !== null) {
      if (this.#timerAtMs <= wakeAtMs) return
      clearTimeout(this.#timer)
    }
    this.#timerAtMs = wakeAtMs
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#tick()
    }, Math.max(wakeAtMs - nowMs, 1)).unref()
  }

  /** Ends the uses of secrets whose grace has ended, and returns when the next one does. */
  #endEarlier (id: number, { uses }: WatchedKey, graceEndsAtMs: ReadonlyMap<string, number>, nowMs: number): number {
    let nextMs = Infinity
    for (const use of uses) {
      const endsAtMs = graceEndsAtMs.get(use.key.secretId)
      if (endsAtMs === undefined) continue
      if (nowMs >= endsAtMs) this.#end(id, use, 'unknown')
      else nextMs = Math.min(nextMs, endsAtMs)
    }
    return nextMs
  }

  #endAll (id: number, why: KeyEnd): void {
    const uses = this.#keys.get(id)?.uses ?? []
    for (const use of uses) this.#end(id, use, why)
  }

  #end (id: number, use: WatchedUse, why: KeyEnd): void {
    const watched = this.#keys.get(id)
    if (watched?.uses.delete(use) !== true) return
    if (watched.uses.size === 0) this.#forget(id)
    try {
      use.end(why)
    } catch (err) {
      this.#options.logger.error({ err, keyId: id }, 'A use of a key could not be ended')
    }
  }

  #forget (id: number): void {
    this.#keys.delete(id)
    this.#due.delete(id)
  }
}

function graceEndsOf (earlier: readonly StoredKey[]): ReadonlyMap<string, number> | null {
  return earlier.length === 0 ? null : new Map(earlier.map(({ record }) => [record.secretId, record.grace!.endsAtMs]))
}

/** What isn't current puts off no end that is known. */
function withGrace (known: ReadonlyMap<string, number> | null, { secretId, grace }: KeyRecord, isCurrent: boolean): ReadonlyMap<string, number> {
  const knownMs = isCurrent ? Infinity : known?.get(secretId) ?? Infinity
  return new Map(known).set(secretId, Math.min(knownMs, grace!.endsAtMs))
}

function earliest (endsAtMs: ReadonlyMap<string, number> | null): number {
  return endsAtMs === null ? Infinity : Math.min(...endsAtMs.values())
}
