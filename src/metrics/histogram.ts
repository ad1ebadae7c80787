/** Bounds of request and upstream durations, in seconds. */
const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * A histogram in plain numbers: observing costs a short scan and two writes, and allocates nothing. The registry turns
 * it into Prometheus' cumulative form when it is scraped.
 */
export class Histogram {
  /** Upper bounds in seconds, ascending, without +Inf. */
  readonly bounds: readonly number[]
  /** One count a bucket, not cumulative; the last is what lies above every bound. */
  readonly #counts: Float64Array
  #sum = 0

  constructor (bounds: readonly number[] = durationBounds) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** Seconds. What is no number of seconds (a clock that went backwards) counts as 0. */
  observe (seconds: number): void {
    const value = seconds > 0 && seconds < Infinity ? seconds : 0
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.#counts[bucket]! += 1
    this.#sum += value
  }

  /** `counts[i]` is how many were at most `bounds[i]`; the count of all is `count`. */
  cumulative (): { readonly counts: readonly number[], readonly count: number, readonly sum: number } {
    let total = 0
    const counts = Array.from(this.#counts, (count) => (total += count))
    counts.pop()
    return { counts, count: total, sum: this.#sum }
  }

  snapshot (): HistogramSnapshot {
    return { counts: Array.from(this.#counts), sum: this.#sum }
  }

  /** Adds what another of the same bounds, such as another process's, had observed. */
  add ({ counts, sum }: HistogramSnapshot): void {
    for (const [bucket, count] of counts.entries()) this.#counts[bucket]! += count
    this.#sum += sum
  }
}

/** What a histogram holds, for another process: a count for each bucket, not cumulative, and the seconds in all. */
export interface HistogramSnapshot {
  readonly counts: readonly number[]
  readonly sum: number
}
