export interface VolumeJob {
  readonly databaseUrl: string
  readonly postgresPid: number
  readonly dataDir: string
  readonly perSecond: number
  readonly seconds: number
  /** null: without a spool. */
  readonly fsync: 'never' | 'flush' | 'always' | null
  /** How long turns of the event loop are measured, which takes all of the core; after what is measured without. */
  readonly turnSeconds: number
}

export interface VolumeOutcome {
  readonly rows: number
  readonly dropped: number
  /** From the first row's being recorded to the last one's being written. */
  readonly seconds: number
  readonly waitingMax: number
  readonly spooledMax: number
  readonly ownCpuSeconds: number
  /** Of it, for making the rows, which a gateway doesn't do. */
  readonly makingCpuSeconds: number
  readonly postgresCpuSeconds: number
  readonly memory: readonly MemorySample[]
  /** By libuv's own timer, in a histogram: how late it fired. */
  readonly delay: { readonly p999Ms: number, readonly maxMs: number }
  readonly turns: Turns
}

export interface MemorySample {
  readonly rssMiB: number
  readonly heapMiB: number
  readonly externalMiB: number
}

/** From one setImmediate to the next, so that each is what ran without a break, and what the system gave to others. */
export interface Turns {
  readonly count: number
  readonly p999Ms: number
  readonly maxMs: number
  /** The longest in CPU time of the thread that runs them, to which a busy machine adds nothing. */
  readonly maxCpuMs: number
  /** Of those in which no garbage was collected. */
  readonly maxCpuWithoutCollectionMs: number
}
