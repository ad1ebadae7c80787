import type { Bucket } from '../api/types.ts'
import { countedOf, millisecondsOf, requestsOf } from '../format/number.ts'

// Days are the gateway's, which are UTC's; hours are shown in the reader's own time.
const hourLabel = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayLabel = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const hourName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' })

/** Below the axis. */
export function shortLabel (start: string, bucket: 'hour' | 'day'): string {
  return (bucket === 'hour' ? hourLabel : dayLabel).format(new Date(start))
}

export function bucketName (start: string, bucket: 'hour' | 'day'): string {
  return bucket === 'hour' ? hourName.format(new Date(start)) : `${dayName.format(new Date(start))} (UTC)`
}

/** All of a bucket, as it is read out. */
export function bucketSentence (data: Bucket, bucket: 'hour' | 'day'): string {
  const latency = data.latencyMs === null ? '' : `, p95 ${millisecondsOf(data.latencyMs.p95)}`
  return `${bucketName(data.start, bucket)}: ${requestsOf(data.requests)}, ${countedOf(data.errors, 'error')}${latency}`
}
