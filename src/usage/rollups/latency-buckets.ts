/**
 * Upper bounds of the buckets that response times are counted in, in milliseconds, each included in its bucket: five a
 * decade up to where time-outs begin. Above the last there is one bucket more. Migration 019 names its columns by them;
 * what has been counted can't be divided otherwise afterwards.
 */
export const latencyBoundsMs = [1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100, 160, 250, 400, 630, 1_000, 1_600, 2_500, 4_000, 10_000, 30_000] as const

/** Columns of usage_hourly and usage_daily, one a bucket. */
export const latencyColumns: readonly string[] = [...latencyBoundsMs.map((boundMs) => `ms_${boundMs}`), 'ms_over']

/** SQL: the number of a row's bucket, from 0; null where its time isn't known. Times are whole milliseconds. */
export const bucketSql = `pg_catalog.width_bucket(response_time_ms::integer, array[${latencyBoundsMs.map((boundMs) => boundMs + 1).join(', ')}])`

/**
 * The time that `fraction` of the requests took at most, in milliseconds: as if those of a bucket were spread evenly
 * over it. Of the last bucket only its beginning is known, and that is what is told. Null where nothing was counted.
 */
export function percentileMs (counts: readonly number[], fraction: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const wanted = fraction * total
  let below = 0
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const fromMs = latencyBoundsMs[bucket - 1] ?? 0
      const toMs = latencyBoundsMs[bucket] ?? fromMs
      return fromMs + (toMs - fromMs) * (wanted - below) / count
    }
    below += count
  }
  return latencyBoundsMs.at(-1)!
}
