import { LRUCache } from 'lru-cache'
import type { CacheEntry } from './cache-entry.ts'
import type { KeyRecord } from './verification.ts'

export interface KeyCacheOptions {
  readonly entriesMax: number
  readonly negativeEntriesMax: number
}

/** Nearly every key has one entry, for which a set would take more memory than the entry. */
type OneOrMore = string | Set<string>

/**
 * Proven keys and unknown keys, in two caches: a flood of unknown ones evicts only its like. Names are SHA-256 of the
 * keys. Ages are the verifier's to judge: lru-cache's own `ttl` would read a second clock at each hit and throw away
 * entries that an outage still needs.
 */
export class KeyCache {
  readonly #proven: LRUCache<string, CacheEntry>
  /** When the query began that didn't find the key. */
  readonly #unknown: LRUCache<string, number>
  /** Names of the entries of a key's id: exactly those in #proven, evictions included. */
  readonly #namesById = new Map<number, OneOrMore>()

  constructor ({ entriesMax, negativeEntriesMax }: KeyCacheOptions) {
    this.#proven = new LRUCache({ max: entriesMax, dispose: (entry, name) => this.#unindex(entry.record.id, name) })
    this.#unknown = new LRUCache({ max: negativeEntriesMax })
  }

  get size (): number {
    return this.#proven.size
  }

  get (name: string): CacheEntry | undefined {
    return this.#proven.get(name)
  }

  set (name: string, entry: CacheEntry): void {
    this.#unknown.delete(name)
    this.#proven.set(name, entry)
    // After set(): an overwritten entry's dispose has taken the name out.
    const names = this.#namesById.get(entry.record.id)
    if (names === undefined) this.#namesById.set(entry.record.id, name)
    else if (typeof names === 'string') this.#namesById.set(entry.record.id, new Set([names, name]))
    else names.add(name)
  }

  unknownSinceMs (name: string): number | undefined {
    return this.#unknown.get(name)
  }

  delete (name: string): void {
    this.#proven.delete(name)
  }

  setUnknown (name: string, atMs: number): void {
    this.#proven.delete(name)
    this.#unknown.set(name, atMs)
  }

  deleteUnknown (name: string): void {
    this.#unknown.delete(name)
  }

  clearUnknown (): void {
    this.#unknown.clear()
  }

  /** All entries of one key. */
  deleteId (id: number): void {
    for (const name of this.#namesOf(id)) this.#proven.delete(name)
  }

  /** By name. */
  entriesOf (id: number): [string, CacheEntry][] {
    const entries: [string, CacheEntry][] = []
    for (const name of this.#namesOf(id)) {
      const entry = this.#proven.peek(name)
      if (entry !== undefined) entries.push([name, entry])
    }
    return entries
  }

  /** Ids of such entries, the least recently used first: whoever replaces them in this order doesn't change it. */
  idsWhere (isWanted: (entry: CacheEntry) => boolean): number[] {
    const ids = new Set<number>()
    for (const entry of this.#proven.rvalues()) {
      if (entry !== undefined && isWanted(entry)) ids.add(entry.record.id)
    }
    return [...ids]
  }

  /** The entry that holds this very record: not one that was read before or after it. */
  entryOf (record: KeyRecord): CacheEntry | undefined {
    for (const name of this.#namesOf(record.id)) {
      const entry = this.#proven.peek(name)
      if (entry?.record === record) return entry
    }
    return undefined
  }

  /** For tests of the invariant: how many names the index holds. */
  get indexedNames (): number {
    let count = 0
    for (const names of this.#namesById.values()) count += typeof names === 'string' ? 1 : names.size
    return count
  }

  /** A copy: entries may be deleted meanwhile. */
  #namesOf (id: number): string[] {
    const names = this.#namesById.get(id)
    if (names === undefined) return []
    return typeof names === 'string' ? [names] : [...names]
  }

  #unindex (id: number, name: string): void {
    const names = this.#namesById.get(id)
    if (names === name) this.#namesById.delete(id)
    if (typeof names !== 'object') return
    names.delete(name)
    if (names.size === 0) this.#namesById.delete(id)
  }
}
