import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { BcryptComparer } from './bcrypt.ts'
import type { KeyDigest, Peppers } from './digest.ts'
import { keyBytesMax } from './format.ts'
import { Helpings } from './helpings.ts'
import { LookUps } from './look-ups.ts'
import type { StoreHealth } from './store-health.ts'
import type { KeyStore, StoredKey, StoredSecrets } from './store.ts'

/** What bcrypt has said of one key so far, by `secretId`: a load that must read again proves nothing twice. */
export type Proofs = Map<string, boolean>

/** Of rows that share a prefix. */
const candidatesMax = 1_000
/** At cost 10 some seconds of a core, for one request. */
const comparesMax = 64
/** Keys that are remembered to be none of the rows tried so far. */
const unfinishedMax = 50
const pendingWritesMax = 100
const logEveryMs = 60_000
/** After a failed write: each would fail on a standby, and none is urgent. */
const writesPauseMs = 10_000

/** Finds the row whose secret a key is: by its digest in one probe, else among earlier secrets and by its prefix, proven by bcrypt. */
export class KeyFinder {
  readonly #store: KeyStore
  readonly #health: StoreHealth
  readonly #peppers: Peppers
  readonly #bcrypt: BcryptComparer
  readonly #logger: Logger
  readonly #nowMs: () => number
  readonly #byDigests: LookUps<readonly Buffer[], StoredKey>
  readonly #byIds: LookUps<number, StoredSecrets>
  readonly #pendingWrites = new Set<Promise<void>>()
  /** By the SHA-256 of a key: secrets that it was tried against in vain, where there are more than one request may try. */
  readonly #unfinished = new LRUCache<string, ReadonlySet<string>>({ max: unfinishedMax })
  #loggedCrowdAtMs = -Infinity
  #loggedWriteAtMs = -Infinity
  #writeFailedAtMs = -Infinity

  constructor ({ store, health, peppers, bcrypt, logger, nowMs }: {
    readonly store: KeyStore
    readonly health: StoreHealth
    readonly peppers: Peppers
    readonly bcrypt: BcryptComparer
    readonly logger: Logger
    readonly nowMs: () => number
  }) {
    this.#store = store
    this.#health = health
    this.#peppers = peppers
    this.#bcrypt = bcrypt
    this.#logger = logger
    this.#nowMs = nowMs
    const helpings = new Helpings()
    this.#byDigests = new LookUps({
      findOne: (digests) => health.run(() => store.findByDigest(digests)),
      findMany: (asked) => health.run(() => store.findByDigests(asked)),
      helpings,
    })
    this.#byIds = new LookUps({
      findOne: (id) => health.run(() => store.findById(id)),
      findMany: (ids) => health.run(() => store.findEachById(ids)),
      helpings,
    })
  }

  /**
   * The proven row in whatever state, null when there is none, 'busy' when more rows share the prefix than one call
   * tries: the next call for the same key goes on where this one ended. Rejects with StoreFailedError and with what BcryptPool.compare rejects with.
   */
  async find (key: string, proofs: Proofs): Promise<StoredKey | null | 'busy'> {
    const digests = this.#peppers.lookupOf(key)
    const found = await this.#byDigest(digests)
    if (found !== null) return found
    const candidates = await this.#health.run(() => this.#store.findCandidates({
      prefixes: prefixesOf(key),
      digests: digests.map(({ digest }) => digest),
      listedPepperIds: this.#peppers.ids,
      limit: candidatesMax + 1,
    }))
    const name = candidates.length > comparesMax ? hash('sha256', key, 'base64url') : null
    const refuted = name === null ? undefined : this.#unfinished.get(name)
    let compares = 0
    for (const candidate of candidates.slice(0, candidatesMax)) {
      const { secretId } = candidate.record
      if (candidate.isProven) proofs.set(secretId, true)
      if (refuted?.has(secretId)) continue
      const proof = proofs.get(secretId)
      if (proof === undefined && compares++ === comparesMax) {
        this.#unfinished.set(name ?? '', new Set([...refuted ?? [], ...proofs.keys()]))
        this.#logCrowd(candidate.record.prefix)
        return 'busy'
      }
      const isMatch = proof ?? await this.#bcrypt.compare(key, candidate.keyHash)
      proofs.set(secretId, isMatch)
      if (isMatch) {
        this.#writeDigest(candidate, digests)
        return candidate
      }
    }
    // Between the two queries another process may have proven the key and written its digest: then neither found it.
    if (candidates.length <= candidatesMax) return await this.#byDigest(digests)
    this.#logCrowd(candidates[0]?.record.prefix ?? '')
    return 'busy'
  }

  async #byDigest (digests: readonly KeyDigest[]): Promise<StoredKey | null> {
    if (digests.length === 0) return null
    const found = await this.#byDigests.find(digests.map(({ digest }) => digest))
    if (found !== null) this.#writeDigest(found, digests)
    return found
  }

  byId (id: number): Promise<StoredSecrets | null> {
    return this.#byIds.find(id)
  }

  async close (): Promise<void> {
    await Promise.all(this.#pendingWrites)
  }

  /** So that the next load is one probe. Nobody waits for it, and its failure costs only time. */
  #writeDigest ({ record, keyHash, pepperId }: StoredKey, [first]: readonly KeyDigest[]): void {
    if (first === undefined || pepperId === first.pepperId || this.#pendingWrites.size >= pendingWritesMax) return
    if (Math.abs(this.#nowMs() - this.#writeFailedAtMs) < writesPauseMs) return
    const write = this.#store.writeDigest(record, keyHash, first.digest, first.pepperId).then(
      () => {},
      (err: unknown) => {
        const nowMs = this.#nowMs()
        this.#writeFailedAtMs = nowMs
        if (Math.abs(nowMs - this.#loggedWriteAtMs) < logEveryMs) return
        this.#loggedWriteAtMs = nowMs
        this.#logger.warn({ err, keyId: record.id }, 'The digest of a key could not be written; its first uses go on costing a bcrypt each')
      }
    ).finally(() => this.#pendingWrites.delete(write))
    this.#pendingWrites.add(write)
  }

  #logCrowd (prefix: string): void {
    const nowMs = this.#nowMs()
    if (Math.abs(nowMs - this.#loggedCrowdAtMs) < logEveryMs) return
    this.#loggedCrowdAtMs = nowMs
    this.#logger.error({ prefix, comparesMax, candidatesMax },
      `More keys share a prefix than bcrypt can try for one request: ${comparesMax} are tried at a time, ${candidatesMax} in all, and until its turn has come a key is answered 503. Store longer prefixes for these keys (up to 20 characters), or set LATCHKEY_KEY_PEPPER, with which each is looked for in this way only once`)
  }
}

/** Rows of other systems hold prefixes of any length that their column takes. */
function prefixesOf (key: string): string[] {
  return Array.from({ length: Math.min(keyBytesMax, key.length) }, (_, i) => key.slice(0, i + 1))
}
