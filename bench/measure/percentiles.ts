export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

/** Percentiles by the nearest rank: each is a value that was really measured. NaN where nothing was. */
export function latenciesOf (valuesMs: ArrayLike<number>): Latencies {
  const sorted = Float64Array.from(valuesMs).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) }
}

/** The middle one; of an even number the lower of the two in the middle. NaN for none. */
export function median (values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? NaN
}
