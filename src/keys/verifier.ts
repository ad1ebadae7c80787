import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import type { KeysConfig } from '../config/config.ts'
import type { BcryptComparer } from './bcrypt.ts'
import type { CacheEntry } from './cache-entry.ts'
import { KeyCache } from './cache.ts'
import type { Peppers } from './digest.ts'
import { KeyFinder } from './finder.ts'
import { Flight } from './flight.ts'
import { keyBytesMax, parseKey } from './format.ts'
import { Invalidations, parseNotification } from './invalidations.ts'
import { KeyLoader } from './loader.ts'
import { Refresher } from './refresher.ts'
import { StoreHealth } from './store-health.ts'
import type { KeyStore } from './store.ts'
import { type KeyRecord, type Verification, without } from './verification.ts'
import { type Confirmation, KeyWatch } from './watch.ts'

export type { Grace, KeyRecord, KeyStatus, Verification } from './verification.ts'

/** Who sends a key, for the limits on looking keys up. */
export interface KeySender {
  readonly network: string
}

/** Asked before a key that isn't cached is looked up; never for those that are. */
export interface LookupGate {
  /** `entered`, or a promise of it: `leave` is called once when the look-up is done. */
  enter (network: string): 'entered' | Promise<'entered'> | 'busy' | 'throttled'
  leave (network: string): void
}

export interface VerifierOptions {
  readonly config: KeysConfig
  readonly store: KeyStore
  readonly peppers: Peppers
  readonly bcrypt: BcryptComparer
  /** Left out: every key is looked up. */
  readonly gate?: LookupGate
  /** Whether notifications are known to arrive. While they aren't, what is older than a second is asked again. */
  readonly isListening: () => boolean
  /** The store was away, and answers again. */
  readonly onStoreReturn?: () => void
  /** The store has answered for the first time. No key is known before this has resolved. */
  readonly onStoreReached?: () => Promise<void>
  readonly logger: Logger
  readonly nowMs?: () => number
}

export interface VerifierStats {
  readonly entries: number
  readonly hits: number
  readonly misses: number
  readonly negativeHits: number
  readonly rechecks: number
  readonly coalesced: number
  readonly invalidations: number
  readonly isStoreUp: boolean
  readonly bcrypt: { readonly running: number, readonly waiting: number }
}

const openGate: LookupGate = { enter: () => 'entered', leave () {} }
const nobody: KeySender = { network: '' }
const unconfirmedMaxMs = 1000
/** Distinct keys being looked for at once, and as many being rechecked: junk can't crowd out the keys that are known. */
const loadsMax = 1000
/**
 * How long a recheck may hold up a request whose key is known. After that the entry answers as in an outage, within
 * serveCachedFor, while the query goes on and its answer counts for whoever comes next. While notifications arrive, a
 * change would have thrown the entry out, so that a revoked key isn't served longer for it. While they don't, the
 * recheck is what finds a revocation, and a store this slow delays that by no more than the query's time-out; waiting
 * for it would make the beginning of every outage a stop of all traffic.
 */
const recheckWaitMs = 500

/**
 * Says what a presented key is worth. A cached answer is given at once, without a promise; anything else is one
 * coalesced load a key. Never throws and never rejects.
 */
export class Verifier {
  readonly #config: KeysConfig
  readonly #bcrypt: BcryptComparer
  readonly #gate: LookupGate
  readonly #isListening: () => boolean
  readonly #logger: Logger
  readonly #nowMs: () => number
  readonly #health: StoreHealth
  readonly #finder: KeyFinder
  readonly #cache: KeyCache
  readonly #loader: KeyLoader
  /** For what goes on beyond the request that a key was verified for. */
  readonly watch: KeyWatch
  readonly #invalidations = new Invalidations()
  readonly #refresher: Refresher
  readonly #flights = new Map<string, Flight>()
  readonly #counts = { hits: 0, misses: 0, negativeHits: 0, rechecks: 0, coalesced: 0, invalidations: 0 }
  #recheckFlights = 0
  /** What was read in an earlier epoch is asked again on use: notifications may have been lost since. */
  #epoch = 0
  /** What was read in an earlier epoch than this is known to have changed, and isn't served while the store is down. */
  #changedBeforeEpoch = 0
  #isClosed = false
  readonly #isAdmitted = (environment: string | null): boolean => environment === null || this.#config.environments.includes(environment)

  constructor ({ config, store, peppers, bcrypt, gate = openGate, isListening, onStoreReturn = () => {}, onStoreReached = async () => {}, logger, nowMs = Date.now }: VerifierOptions) {
    this.#config = config
    this.#bcrypt = bcrypt
    this.#gate = gate
    this.#isListening = isListening
    this.#logger = logger
    this.#nowMs = nowMs
    const onReturn = (): void => {
      this.#refresher.resume()
      onStoreReturn()
    }
    this.#health = new StoreHealth({ ping: () => store.ping(), onReached: onStoreReached, onReturn, logger, nowMs })
    this.#finder = new KeyFinder({ store, health: this.#health, peppers, bcrypt, logger, nowMs })
    this.#cache = new KeyCache(config.cache)
    this.#loader = new KeyLoader({
      finder: this.#finder,
      cache: this.#cache,
      invalidations: this.#invalidations,
      isAdmitted: this.#isAdmitted,
      epoch: () => this.#epoch,
      whileDown: entry => this.#whileDown(entry, nowMs()),
      nowMs,
      logger,
    })
    this.#refresher = new Refresher({
      cache: this.#cache,
      invalidations: this.#invalidations,
      find: ids => this.#health.run(() => store.findByIds(ids)),
      isAdmitted: this.#isAdmitted,
      epoch: () => this.#epoch,
      servedMs: config.cache.ttlMs + config.serveCachedForMs,
      nowMs,
      logger,
    })
    this.watch = new KeyWatch({
      find: ids => this.#health.run(() => store.findByIds(ids)),
      confirmationOf: key => this.#confirmationOf(key),
      isAdmitted: this.#isAdmitted,
      isStoreAvoided: () => this.#health.isAway,
      isListening,
      ttlMs: config.cache.ttlMs,
      serveCachedForMs: config.serveCachedForMs,
      nowMs,
      logger,
    })
  }

  verify (key: string, sender: KeySender = nobody): Verification | Promise<Verification> {
    if (key.length > keyBytesMax) return without.malformed
    // As many characters as bytes: the shortest string, and the quickest to make.
    const name = hash('sha256', key, 'binary')
    const nowMs = this.#nowMs()
    const entry = this.#cache.get(name)
    if (entry !== undefined) {
      if (entry.epoch === this.#epoch && this.#isYoung(entry.confirmedAtMs, this.#config.cache.ttlMs, nowMs)) {
        this.#counts.hits++
        return entry.at(nowMs)
      }
    } else {
      const parsed = parseKey(key, this.#config)
      if (parsed === null) return without.malformed
      if (!this.#isAdmitted(parsed.environment)) return without.unknown
    }
    if (this.#isClosed) return without.unavailable
    if (this.#health.isAway) return this.#whileDown(entry, nowMs)
    if (entry === undefined && this.#isKnownUnknown(name, nowMs)) return without.unknown
    return this.#join(name, key, entry, sender)
  }

  /** Of channel `latchkey_keys`: the entries that it names are void at once, and loads under way read again. */
  handleNotification (payload: string): void {
    this.#counts.invalidations++
    const invalidation = parseNotification(payload)
    if (invalidation === null || invalidation === 'all') {
      if (invalidation === null) this.#logger.warn('A notification on latchkey_keys could not be read: every key counts as changed')
      // Not thrown away: where the hash turns out to be the same, that saves a bcrypt for each key.
      this.#invalidations.addAll()
      this.markAllStale()
      this.#changedBeforeEpoch = this.#epoch
      this.watch.changed('all')
    } else {
      this.#invalidations.add(invalidation)
      for (const id of invalidation.ids) this.#cache.deleteId(id)
      if (invalidation.hasNewSecrets) this.#cache.clearUnknown()
      this.watch.changed(invalidation.ids)
    }
  }

  /** After LISTEN was (re)established: notifications may have been lost, so everything cached is checked again, on use or in the background. */
  markAllStale (): void {
    this.#epoch++
    this.#cache.clearUnknown()
    this.#health.retryNow()
    this.watch.askAll()
    this.#refresher.start()
  }

  /** One cheap query; true when the store answered. */
  async probe (): Promise<boolean> {
    return await this.#health.probe()
  }

  get hasReachedStore (): boolean {
    return this.#health.hasReached
  }

  stats (): VerifierStats {
    return { entries: this.#cache.size, ...this.#counts, isStoreUp: this.#health.isUp, bcrypt: this.#bcrypt.stats() }
  }

  /** Waits for the queries under way. The pool and bcrypt are their owner's to close. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.#health.close()
    await this.watch.close()
    await this.#refresher.close()
    await Promise.all(Array.from(this.#flights.values(), ({ answer }) => answer))
    await this.#finder.close()
  }

  #join (name: string, key: string, entry: CacheEntry | undefined, sender: KeySender): Verification | Promise<Verification> {
    const underWay = this.#flights.get(name)
    if (underWay !== undefined) {
      this.#counts.coalesced++
      return this.#aboard(underWay, entry)
    }
    const isRecheck = entry !== undefined
    const others = isRecheck ? this.#recheckFlights : this.#flights.size - this.#recheckFlights
    if (others >= loadsMax) return this.#known(entry) ?? without.busy
    const { network } = sender
    const entrance = isRecheck ? 'entered' : this.#gate.enter(network)
    if (entrance === 'busy' || entrance === 'throttled') return without[entrance]
    this.#counts[isRecheck ? 'rechecks' : 'misses']++
    if (isRecheck) this.#recheckFlights++
    this.#invalidations.begin()
    const answer = this.#load(name, key, entry, entrance, network)
    const flight = new Flight(answer, { waitMs: recheckWaitMs, known: isRecheck ? () => this.#known(this.#cache.get(name)) : null })
    this.#flights.set(name, flight)
    return this.#aboard(flight, entry)
  }

  /** An entry that was thrown out meanwhile answers nobody: who comes without one waits for the store's answer. */
  #aboard (flight: Flight, entry: CacheEntry | undefined): Verification | Promise<Verification> {
    if (entry === undefined) return flight.answer
    return flight.isOverdue ? this.#known(entry) ?? flight.answer : flight.soon
  }

  /** What a cached key is worth without the store; null: that can't be said. */
  #known (entry: CacheEntry | undefined): Verification | null {
    const verification = this.#whileDown(entry, this.#nowMs())
    return verification === without.unavailable ? null : verification
  }

  async #load (name: string, key: string, entry: CacheEntry | undefined, entrance: 'entered' | Promise<'entered'>, network: string): Promise<Verification> {
    try {
      if (entrance !== 'entered') {
        await entrance
        // What was true when the wait began may have changed.
        if (this.#isClosed || this.#health.isAway) return without.unavailable
      }
      return await this.#loader.load(name, key, entry)
    } finally {
      this.#invalidations.end()
      if (entry !== undefined) this.#recheckFlights--
      else this.#gate.leave(network)
      this.#flights.delete(name)
    }
  }

  /** A cached key goes on for a while, in the state that it was last known in; of any other nothing can be said. */
  #whileDown (entry: CacheEntry | undefined, nowMs: number): Verification {
    const servedMs = this.#config.cache.ttlMs + this.#config.serveCachedForMs
    if (entry === undefined || entry.epoch < this.#changedBeforeEpoch || nowMs - entry.confirmedAtMs >= servedMs) return without.unavailable
    return entry.at(nowMs)
  }

  #isKnownUnknown (name: string, nowMs: number): boolean {
    const atMs = this.#cache.unknownSinceMs(name)
    if (atMs === undefined) return false
    if (this.#isYoung(atMs, this.#config.cache.negativeTtlMs, nowMs)) {
      this.#counts.negativeHits++
      return true
    }
    this.#cache.deleteUnknown(name)
    return false
  }

  /** A clock that was set back makes an age negative: that isn't young either. */
  #isYoung (sinceMs: number, ttlMs: number, nowMs: number): boolean {
    const ageMs = nowMs - sinceMs
    return ageMs >= 0 && ageMs < (this.#isListening() ? ttlMs : Math.min(ttlMs, unconfirmedMaxMs))
  }

  /** Null for what is known to have changed since, and for what the cache has let go of. */
  #confirmationOf (key: KeyRecord): Confirmation | null {
    const entry = this.#cache.entryOf(key)
    if (entry === undefined || entry.epoch < this.#changedBeforeEpoch) return null
    const isCurrent = entry.epoch === this.#epoch && this.#isYoung(entry.confirmedAtMs, this.#config.cache.ttlMs, this.#nowMs())
    return { atMs: entry.confirmedAtMs, isCurrent }
  }
}
