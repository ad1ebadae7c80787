import { seededRandom } from '../routes/random.ts'

/** Everything random in a case comes from here, so that seed and index say what it is. */
export class Dice {
  readonly #random: () => number

  constructor (seed: number, index: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  }

  /** From 0 up to, and without, `end`. */
  below (end: number): number {
    return Math.floor(this.#random() * end)
  }

  chance (probability: number): boolean {
    return this.#random() < probability
  }

  pick<T> (items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** Of each, or of none. */
  some<T> (items: readonly T[], max: number): T[] {
    return Array.from({ length: this.below(max + 1) }, () => this.pick(items))
  }

  bytes (length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}
