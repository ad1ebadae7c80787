import type { Verification } from './verification.ts'

/** A load of a key, which everybody who presents the key meanwhile joins. */
export class Flight {
  /** What the store says, or that it can't. Never rejects. */
  readonly answer: Promise<Verification>
  /** The same or, where that takes longer than a recheck may hold anybody up, what is known already. */
  readonly soon: Promise<Verification>
  #isOverdue = false

  /** `known` is asked once, `waitMs` later; null: there is nothing to go by but the answer. */
  constructor (answer: Promise<Verification>, { waitMs, known }: { readonly waitMs: number, readonly known: (() => Verification | null) | null }) {
    this.answer = answer
    this.soon = known === null
      ? answer
      : new Promise((resolve) => {
        const timer = setTimeout(() => {
          this.#isOverdue = true
          const verification = known()
          if (verification !== null) resolve(verification)
        }, waitMs).unref()
        answer.then((verification) => {
          clearTimeout(timer)
          resolve(verification)
        })
      })
  }

  /** Whether it has taken longer than a recheck may hold anybody up. */
  get isOverdue (): boolean {
    return this.#isOverdue
  }
}
