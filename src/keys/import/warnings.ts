import type { KeysConfig } from '../../config/config.ts'
import { compareMs, costOf } from './bcrypt-hash.ts'
import { isOwnPrefix, shownPrefix } from './prefixes.ts'
import type { CheckedRow } from './row-checks.ts'

/** As many rows of one prefix as the gateway tries for one request. */
const crowdMax = 64

/** What is to be known about keys that are imported, and isn't wrong with any of them. */
export class WarningList {
  readonly #config: KeysConfig
  readonly #hasPepper: boolean
  readonly #keysByCost = new Map<number, number>()
  readonly #keysByPrefix = new Map<string, number>()
  #ownKeys = 0
  #keys = 0

  constructor (config: KeysConfig, { hasPepper }: { readonly hasPepper: boolean }) {
    this.#config = config
    this.#hasPepper = hasPepper
  }

  add (rows: readonly CheckedRow[]): void {
    for (const { keyHash, prefix } of rows) {
      this.#keys++
      if (isOwnPrefix(prefix, this.#config)) this.#ownKeys++
      count(this.#keysByCost, costOf(keyHash))
      // A copy: what was cut from a file's text would keep that in memory.
      count(this.#keysByPrefix, Buffer.from(shownPrefix(prefix), 'latin1').toString('latin1'))
    }
  }

  report (): string[] {
    if (this.#keys === 0) return []
    return [...this.#ofChecksum(), ...this.#ofPrefixes(), this.#ofFirstUses()]
  }

  #ofChecksum (): string[] {
    if (this.#config.checksum === 'optional') return []
    const foreignKeys = this.#keys - this.#ownKeys
    return [
      ...foreignKeys === 0 ? [] : [`${foreignKeys === 1 ? '1 key was' : `${foreignKeys} keys were`} made elsewhere, as the prefix shows, and will be refused as invalid_key until keys.checksum is optional`],
      // Nothing but the whole key shows whether it has the checksum.
      ...this.#ownKeys === 0 ? [] : [`${this.#ownKeys === 1 ? '1 key has' : `${this.#ownKeys} keys have`} a prefix like this gateway's own: if Latchkey did not make ${this.#ownKeys === 1 ? 'it' : 'them'}, ${this.#ownKeys === 1 ? 'it' : 'they'} will be refused as invalid_key until keys.checksum is optional`],
    ]
  }

  #ofPrefixes (): string[] {
    const crowds = [...this.#keysByPrefix].filter(([, keys]) => keys > crowdMax).toSorted((one, other) => other[1] - one[1])
    const [largest] = crowds
    if (largest === undefined) return []
    const others = crowds.length === 1 ? '' : `, and ${crowds.length - 1} more prefixes are shared by more than ${crowdMax}`
    return [`${largest[1]} keys share the prefix ${largest[0]}${others}: at a first use the gateway tries one after the other, ${crowdMax} for one request, and answers 503 meanwhile. Longer prefixes, up to 20 characters, spare it that`]
  }

  #ofFirstUses (): string {
    const costs = [...this.#keysByCost].toSorted(([one], [other]) => one - other)
    const totalMs = costs.reduce((ms, [cost, keys]) => ms + compareMs(cost) * keys, 0)
    const each = costs.map(([cost]) => `${about(compareMs(cost))} at cost ${cost}`).join(', ')
    const how = `about ${each}, ${about(totalMs)} of one processor for all of them`
    return this.#hasPepper
      ? `The first use of a key takes bcrypt once (${how}); from then on it is found by its digest`
      : `No pepper is set (LATCHKEY_KEY_PEPPER): each gateway takes bcrypt for the first use of a key after every start (${how})`
  }
}

function count<K> (counts: Map<K, number>, name: K): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function about (ms: number): string {
  const seconds = ms / 1000
  if (seconds < 1) return `${Math.max(1, Math.round(ms))} ms`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
