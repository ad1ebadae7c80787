import { seededRandom } from '../routes/random.ts'

/** Choices that are the same for the same seed and purpose. */
export class Dice {
  readonly #next: () => number

  /** Each purpose has a sequence of its own: what the clients do doesn't move the schedule of the faults. */
  constructor (seed: number, purpose: string) {
    let mixed = seed | 0
    for (const character of purpose) mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x01000193)
    this.#next = seededRandom(mixed)
  }

  /** From `from` up to and with `to`. */
  whole (from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1))
  }

  chance (share: number): boolean {
    return this.#next() < share
  }

  pick <T> (from: readonly T[]): T {
    const picked = from[this.whole(0, from.length - 1)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** By weights, which may be any positive numbers. */
  weighted <T extends string> (weights: Readonly<Record<T, number>>): T {
    const names = Object.keys(weights) as T[]
    let left = this.#next() * names.reduce((sum, name) => sum + weights[name], 0)
    for (const name of names) {
      left -= weights[name]
      if (left < 0) return name
    }
    return this.pick(names)
  }

  shuffled <T> (items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.whole(0, i)
      const swapped = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = swapped
    }
    return shuffled
  }
}
