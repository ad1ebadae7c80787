import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

export interface KeyDigest {
  /** HMAC-SHA256(pepper, key), 32 bytes. */
  readonly digest: Buffer
  readonly pepperId: string
}

/**
 * The peppers under which keys are found by an indexed digest instead of by bcrypt. The first writes, all are looked
 * up. A digest saves time only: `key_hash` stays the proof, so a lost pepper loses no key.
 */
export class Peppers {
  /** Names of the peppers, as stored beside each digest; they don't reveal them. */
  readonly ids: readonly string[]
  readonly #peppers: readonly KeyObject[]

  constructor (peppers: readonly Buffer[]) {
    this.#peppers = peppers.map((pepper) => createSecretKey(pepper))
    this.ids = this.#peppers.map((pepper) => createHmac('sha256', pepper).update('latchkey pepper id').digest('hex').slice(0, 16))
  }

  get isEmpty (): boolean {
    return this.#peppers.length === 0
  }

  /** One digest a pepper, in the order of the peppers. */
  lookupOf (key: string): KeyDigest[] {
    return this.#peppers.map((pepper, i) => ({
      digest: createHmac('sha256', pepper).update(key).digest(),
      pepperId: this.ids[i] ?? '',
    }))
  }
}
