import type { Config } from '../config/config.ts'
import type { NodeMetrics } from '../metrics/node-metrics.ts'
import type { ProcessNumbers } from '../metrics/process-numbers.ts'

/**
 * What primary and workers say to each other, over Node's IPC channel: never on a command line or in the environment,
 * since secrets are among it. Messages of one direction arrive in their order.
 */
export type ToWorker =
  /** The first: all that a worker has to know to serve. */
  | { readonly type: 'start' } & WorkerStart
  /** Comes with the socket of a client. The worker says `accepted` before it reads anything. */
  | { readonly type: 'connection', readonly id: number }
  /** Did that connection arrive? Comes behind it, and is answered only where it didn't. */
  | { readonly type: 'hasArrived', readonly id: number }
  /** A configuration that the primary has checked. */
  | { readonly type: 'config', readonly version: number, readonly config: Config }
  /** The schema is complete: find out whether the key store answers. */
  | { readonly type: 'reachStore', readonly examines: boolean }
  /** What `/-/ready` says. */
  | { readonly type: 'ready' }
  | { readonly type: 'sendNumbers', readonly id: number }
  | { readonly type: 'failures', readonly failures: Failures }
  | { readonly type: 'compared', readonly id: number } & Compared
  /** Take over what these workers, which have ended, left in their spools. */
  | { readonly type: 'inherit', readonly names: readonly string[] }
  | { readonly type: 'closeIdle', readonly connectionsMax: number }
  | { readonly type: 'drain' }

export type FromWorker =
  /** Takes connections from now on. */
  | { readonly type: 'up' }
  | { readonly type: 'reachedStore' }
  | { readonly type: 'accepted', readonly id: number }
  /** The message came without its socket, as where no file descriptor was free: Node drops it then. */
  | { readonly type: 'missed', readonly id: number }
  | { readonly type: 'closed', readonly ids: readonly number[] }
  /** Null: nobody asked. */
  | { readonly type: 'numbers', readonly id: number | null, readonly numbers: ProcessNumbers, readonly node: NodeMetrics | null }
  /** Rows have come from one place to another, or are about to be removed from the disk. */
  | { readonly type: 'usage', readonly usage: UsageCounts }
  /** So many rows of others are in the worker's own spool and books from now on. */
  | { readonly type: 'inherited', readonly rows: number, readonly usage: UsageCounts }
  | { readonly type: 'applied', readonly version: number }
  | { readonly type: 'failures', readonly failures: Failures }
  | { readonly type: 'compare', readonly id: number, readonly key: string, readonly hash: string }
  /** Can't go on: ends in order, and takes no more connections. */
  | { readonly type: 'failed', readonly message: string }
  /** Has closed everything. */
  | { readonly type: 'drained', readonly numbers: ProcessNumbers, readonly node: NodeMetrics }

/** What has become of usage rows, without what only fills histograms. */
export type UsageCounts = Omit<ProcessNumbers['usage'], 'flushDuration'>

export interface WorkerStart {
  /** From 1 on; its successor has the same. */
  readonly number: number
  readonly config: Config
  readonly configVersion: number
  readonly databaseUrl: string
  readonly databaseDirectUrl: string
  /** Base64. */
  readonly peppers: readonly string[]
  readonly logLevel: string
  readonly dataDir: string
  readonly spoolName: string
  /** Begins the names of all workers' spools. */
  readonly spoolFamily: string
  readonly isReady: boolean
}

/** Of networks, how many invalid keys each has sent. */
export type Failures = readonly (readonly [network: string, failures: number])[]

export type Compared = { readonly isMatch: boolean } | { readonly fault: 'busy' | 'failed', readonly message: string }
