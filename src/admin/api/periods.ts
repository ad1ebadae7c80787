import type { TrafficNumbers, TrafficRow } from '../../usage/reports/traffic.ts'
import { type FieldFault, faultyRequest } from './failure.ts'

export interface AskedPeriod {
  readonly from: Date
  readonly to: Date
  readonly bucket: 'hour' | 'day'
}

export interface Bucket extends TrafficNumbers {
  readonly start: Date
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const hourlyMsDefault = 2 * dayMs
const mostMs = { hour: 31 * dayMs, day: 731 * dayMs } as const

/** The last 24 hours, unless something else was asked for. */
export function periodAsked (query: { readonly from?: string, readonly to?: string, readonly bucket?: 'hour' | 'day' }): AskedPeriod {
  const to = query.to === undefined ? new Date() : new Date(query.to)
  const from = query.from === undefined ? new Date(to.getTime() - dayMs) : new Date(query.from)
  const lengthMs = to.getTime() - from.getTime()
  const bucket = query.bucket ?? (lengthMs <= hourlyMsDefault ? 'hour' : 'day')
  if (lengthMs <= 0) throw faultyRequest([{ field: 'to', detail: 'must be after from' }])
  if (lengthMs > mostMs[bucket]) throw faultyRequest([tooLong(bucket)])
  return { from, to, bucket }
}

function tooLong (bucket: 'hour' | 'day'): FieldFault {
  return { field: 'from', detail: bucket === 'hour' ? 'may lie 31 days before to, in buckets of hours: ask for days' : 'may lie 731 days before to' }
}

const nothing: TrafficNumbers = { requests: 0, errors: 0, serverErrors: 0, requestBytes: 0, responseBytes: 0, latencyMs: null }

/** One for each hour or day (of UTC) that the period touches, those without a request included. */
export function bucketsOf (bucket: 'hour' | 'day', { from, to }: { readonly from: Date, readonly to: Date }, rows: readonly TrafficRow[]): Bucket[] {
  const stepMs = bucket === 'hour' ? hourMs : dayMs
  const found = new Map(rows.map(({ group, ...numbers }) => [group[bucket]!.getTime(), numbers]))
  const buckets: Bucket[] = []
  for (let atMs = Math.floor(from.getTime() / stepMs) * stepMs; atMs < to.getTime(); atMs += stepMs) {
    buckets.push({ start: new Date(atMs), ...found.get(atMs) ?? nothing })
  }
  return buckets
}
