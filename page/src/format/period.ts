const hourMs = 3_600_000
const dayMs = 24 * hourMs

export interface Period {
  readonly id: string
  readonly label: string
  /** In words, behind "in the". */
  readonly words: string
  readonly bucket: 'hour' | 'day'
  readonly buckets: number
}

export const periods: readonly Period[] = [
  { id: '24h', label: '24 h', words: 'last 24 hours', bucket: 'hour', buckets: 24 },
  { id: '7d', label: '7 d', words: 'last 7 days', bucket: 'day', buckets: 7 },
  { id: '30d', label: '30 d', words: 'last 30 days', bucket: 'day', buckets: 30 },
]

export function periodOf (id: string | null): Period {
  return periods.find(period => period.id === id) ?? periods[0]!
}

/** From a bucket's beginning, so that the first bar is a whole one, until now. */
export function rangeOf ({ bucket, buckets }: Period, nowMs = Date.now()): { readonly from: string, readonly to: string } {
  const bucketMs = bucket === 'hour' ? hourMs : dayMs
  const from = Math.floor(nowMs / bucketMs) * bucketMs - (buckets - 1) * bucketMs
  return { from: new Date(from).toISOString(), to: new Date(nowMs).toISOString() }
}
