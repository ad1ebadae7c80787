import type { Latencies } from '../measure/percentiles.ts'

/** What a load generator's process is told, as JSON in its only argument. */
export interface Job {
  readonly port: number
  /** Address that the connections come from. */
  readonly localAddress: string
  readonly connections: number
  /** A key a line, used in turn. */
  readonly keysFile: string
  readonly keyHeader: string
  readonly path: string
  readonly pace: Pace
  /**
   * On the system's monotonic clock: `each` begins then, and of the other paces nothing is counted that was due before.
   * A generator that has just started, beside others that start, measures mostly that.
   */
  readonly fromMs?: number
}

export type Pace =
  /** Open loop: so many requests a second whatever becomes of them, each timed from when it was due. */
  | { readonly kind: 'fixed', readonly perSecond: number, readonly seconds: number }
  /** Closed loop: each connection asks again as soon as it is answered. */
  | { readonly kind: 'full', readonly seconds: number }
  /** Every key of the file until it got a 200, refusals waited out for a while. */
  | { readonly kind: 'each', readonly deadlineSeconds: number }

/** What it prints when it is done, as a line of JSON. */
export interface Outcome extends Latencies {
  readonly requests: number
  readonly seconds: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Requests whose connection failed. */
  readonly broken: number
  /** `each` only: keys without a 200 at the deadline. */
  readonly unserved: number
  /** By how much the generator itself was late: the 99th percentile of sending after a request was due on a free connection. */
  readonly lateP99Ms: number
  /** CPU seconds of the generator. */
  readonly cpuSeconds: number
}
