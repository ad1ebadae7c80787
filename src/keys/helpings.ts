/** Each has a request go on, to its upstream as a rule: a tenth of a millisecond, beside which a turn costs little. */
const perTurnDefault = 1

/**
 * Runs tasks in order, one in a turn of the event loop. What comes in a burst, such as the answers of one query for
 * many keys, would otherwise go on all at once, and hold up everybody else for as long as that takes. What comes alone
 * runs at once. How much waits is bounded by those who ask.
 */
export class Helpings {
  readonly #perTurn: number
  readonly #waiting: (() => void)[] = []
  #left: number
  #isTurnDue = false

  constructor ({ perTurn = perTurnDefault }: { readonly perTurn?: number } = {}) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  /** Whether tasks wait for a later turn. */
  get isBehind (): boolean {
    return this.#waiting.length > 0
  }

  /** A task must not throw. */
  run (task: () => void): void {
    this.#expectTurn()
    if (this.#left === 0 || this.#waiting.length > 0) {
      this.#waiting.push(task)
      return
    }
    this.#left--
    task()
  }

  #expectTurn (): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    // After this turn's input was read, and before the next: neither starves the other.
    setImmediate(() => {
      this.#isTurnDue = false
      this.#left = this.#perTurn
      if (this.#waiting.length === 0) return
      this.#expectTurn()
      for (const task of this.#waiting.splice(0, this.#perTurn)) {
        this.#left--
        task()
      }
    })
  }
}
