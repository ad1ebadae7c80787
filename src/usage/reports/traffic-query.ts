/** What rows of a report are told apart by. Times are in UTC; a status class is 2 for 200 to 299. */
export const dimensions = ['key', 'user', 'route', 'status', 'statusClass', 'hour', 'day', 'month'] as const
export type TrafficDimension = typeof dimensions[number]

export const orders = ['requests', 'errors', 'time'] as const
/**
 * Most requests first, most errors first, or oldest first (which needs hour, day or month). What is equal in that comes
 * in ascending order of the dimensions, as they are named in `by`.
 */
export type TrafficOrder = typeof orders[number]

export interface TrafficQuery {
  /** One to three, each once. */
  readonly by: readonly TrafficDimension[]
  /** Rounded down to a whole hour. */
  readonly from: Date
  /** Not included; rounded up to a whole hour. */
  readonly to: Date
  readonly filter?: TrafficFilter
  /** Default: time where there is a dimension of time, else requests. */
  readonly order?: TrafficOrder
  /** Rows at most, 1 to `limitMax`. Default: 100. */
  readonly limit?: number
  /** `nextCursor` of the page before; all else must be as it was. Counts of hours not over yet may move meanwhile. */
  readonly cursor?: string
}

export const limitMax = 10_000

/** All that is given must hold. */
export interface TrafficFilter {
  readonly keyId?: number
  readonly userId?: string
  /** Id of the route; '' for requests of which no route is known. */
  readonly route?: string
  readonly status?: number
  /** 5 for 500 to 599. */
  readonly statusClass?: number
}

/** As plain numbers: exact up to 2^53. */
export interface TrafficNumbers {
  readonly requests: number
  /** Of them, with a status of 400 or above. */
  readonly errors: number
  /** Of the errors, with a status of 500 or above. */
  readonly serverErrors: number
  /** Of the requests' bodies. */
  readonly requestBytes: number
  /** Of the responses' bodies. */
  readonly responseBytes: number
  /** Null where no request's time is known. */
  readonly latencyMs: TrafficLatency | null
}

/** Milliseconds. The percentiles are as exact as the histogram's buckets (rollups/latency-buckets.ts), the average is exact. */
export interface TrafficLatency {
  readonly average: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Has those of `by`. */
export interface TrafficGroup {
  readonly key?: number
  readonly user?: string
  /** '' where no route is known. */
  readonly route?: string
  /** 0 where none is known. */
  readonly status?: number
  readonly statusClass?: number
  /** Beginning of the hour, of the day, of the month. */
  readonly hour?: Date
  readonly day?: Date
  readonly month?: Date
}

export interface TrafficRow extends TrafficNumbers {
  readonly group: TrafficGroup
}

export interface TrafficReport {
  /** The period that was counted, in whole hours. */
  readonly from: Date
  /** Not included. */
  readonly to: Date
  readonly rows: readonly TrafficRow[]
  /** Of all that was asked for, rows on other pages included. */
  readonly totals: TrafficNumbers
  /** Null on the last page. */
  readonly nextCursor: string | null
}

export interface ErrorQuery {
  readonly from: Date
  readonly to: Date
  readonly filter?: TrafficFilter
  /** 1 to `limitMax`. Default: 20. */
  readonly limit?: number
}

/** One key's errors of one status on one route. */
export interface ErrorRow {
  readonly key: number
  readonly route: string
  readonly status: number
  readonly requests: number
  /** Beginning of the last hour in which it happened. */
  readonly lastHour: Date
}

export interface ErrorReport {
  readonly from: Date
  readonly to: Date
  /** Most requests first. */
  readonly rows: readonly ErrorRow[]
}
