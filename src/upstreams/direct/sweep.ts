/** What a sweep looks at, for as long as it has something to look at. */
export interface Swept {
  /** `elapsedMs`: since the last sweep. */
  sweep (elapsedMs: number): void
}

const sweepEveryMs = 100
/** Where a wait begins, so that what had passed since the last sweep doesn't count. */
export const notWaited = -sweepEveryMs
/** What counts of a sweep that came late: that this process was held up isn't the other side's doing. */
export const elapsedMsMax = 2 * sweepEveryMs

/**
 * The one clock of all time-outs: looks at everything a few times a second, so that no request needs a timer of its own.
 * Stands still while there is nothing to look at.
 */
export class Sweep {
  readonly #swept = new Set<Swept>()
  #timer: NodeJS.Timeout | null = null
  #sweptAtMs = 0

  add (swept: Swept): void {
    this.#swept.add(swept)
    if (this.#timer !== null) return
    this.#sweptAtMs = performance.now()
    this.#timer = setInterval(() => this.#sweep(), sweepEveryMs).unref()
  }

  remove (swept: Swept): void {
    this.#swept.delete(swept)
    if (this.#swept.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #sweep (): void {
    const nowMs = performance.now()
    const elapsedMs = Math.round(nowMs - this.#sweptAtMs)
    this.#sweptAtMs = nowMs
    for (const swept of this.#swept) swept.sweep(elapsedMs)
  }
}
