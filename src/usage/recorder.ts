import type { Logger } from 'pino'
import type { UsagePrivacy } from '../config/config.ts'
import { Histogram } from '../metrics/histogram.ts'
import { Backlog } from './backlog.ts'
import { DropLog, type DropReason } from './drop-log.ts'
import { Forgetting } from './forgetting.ts'
import { Outage } from './outage.ts'
import { RowCleaner } from './row.ts'
import type { RecordedRow } from './row.ts'
import { SegmentWriter } from './segment-writer.ts'
import { SpoolFeeder, type SpoolFeederOptions, type SpoolStats } from './spool/feeder.ts'
import type { UsageStore } from './store.ts'

export type { RecordedRow, UsageRow } from './row.ts'

/**
 * Takes one row a request, spools it, and writes rows in batches, one batch at a time. Every row is in exactly one
 * place: recorded + recovered = written + dropped + waiting + spooled, whenever stats() is read. A row of a batch under
 * way is where it was until the store has said what became of it.
 */
export class UsageRecorder {
  readonly #rowsMax: number
  readonly #logger: Logger
  readonly #cleaner: RowCleaner
  readonly #backlog: Backlog
  readonly #spool: SpoolFeeder | null
  readonly #writer: SegmentWriter
  readonly #forgetting: Forgetting
  readonly #drops: DropLog
  readonly #outage: Outage
  readonly #ticker: NodeJS.Timeout
  readonly #flushDuration = new Histogram()
  readonly #onMoved: () => void

  #recorded = 0
  #recovered = 0
  #written = 0
  #dropped = 0
  #running: Promise<void> | null = null
  #isKicked = false
  #isClosed = false
  /** Past close()'s time: what is still under way counts no more. */
  #isAbandoned = false
  #closing: Promise<void> | null = null

  constructor ({ store, spool, flushEveryMs, flushRows, rowsMax = 100_000, logger, redact, privacy, onMoved = () => {} }: UsageRecorderOptions) {
    this.#rowsMax = rowsMax
    this.#logger = logger
    this.#onMoved = onMoved
    this.#cleaner = new RowCleaner(redact, privacy)
    this.#backlog = new Backlog(flushRows)
    this.#drops = new DropLog(logger)
    this.#outage = new Outage(logger, () => { this.#run().catch(() => {}) })
    this.#forgetting = new Forgetting(store, logger)
    this.#spool = spool === undefined
      ? null
      : new SpoolFeeder({
        ...spool,
        backlog: this.#backlog,
        onRecovered: rows => this.#recover(rows),
        onDropped: (reason, rows) => this.#drop(reason, rows),
        onMoved,
        logger,
      })
    this.#writer = new SegmentWriter({
      store,
      backlog: this.#backlog,
      load: async segment => this.#spool === null ? null : await this.#spool.load(segment),
      onDone: segment => {
        const removing = this.#spool?.remove(segment) ?? Promise.resolve(true)
        removing.then(isGone => { if (isGone) this.#forgetting.add([...segment.storedIds]) }, () => {})
      },
      onWritten: rows => { this.#written += rows },
      onDropped: (reason, rows, err) => this.#drop(reason, rows, err),
      onBatch: durationMs => {
        this.#outage.ended()
        if (durationMs !== null) this.#flushDuration.observe(durationMs / 1000)
        onMoved()
      },
      logger,
    })
    this.#ticker = setInterval(() => this.#tick(), flushEveryMs).unref()
  }

  /**
   * The store was reached once: from now on rows are spooled, and what was left in the spool is written. Resolves when
   * that is so, or has failed, or takes too long to be waited for.
   */
  async startSpool (): Promise<void> {
    if (this.#spool !== null) await within(this.#spool.start(), spoolOpenMs)
  }

  /**
   * Never throws and never waits. When the queue is full, this row is dropped and counted. Nothing of the row is kept
   * but bytes.
   */
  record (row: RecordedRow): void {
    this.#recorded++
    if (this.#isClosed) return this.#drop('recorder closed', 1)
    if (this.#backlog.waiting >= this.#rowsMax) return this.#drop('queue full', 1)
    try {
      const isSegmentFull = this.#backlog.add(this.#cleaner.clean(row))
      if (isSegmentFull && !this.#isKicked) this.#kick()
      this.#spool?.due()
    } catch (err) {
      this.#drop('unreadable', 1, err)
    }
  }

  /**
   * Tries to write every row recorded so far, at once even in an outage. Never rejects; rows that could not be written
   * now go on waiting.
   */
  async flush (): Promise<void> {
    if (this.#running !== null) await this.#running
    await this.#run()
  }

  /** There is reason to think that the store is back: doesn't wait for the time of the next try. */
  retryNow (): void {
    if (!this.#isClosed) this.#outage.retryNow()
  }

  /** Takes over what processes of ours that have died left in their spools; `taken` is told how many rows, once they are in the books. */
  async inherit (names: readonly string[], taken: (rows: number) => void): Promise<void> {
    if (this.#spool === null) return taken(0)
    await this.#spool.inherit(names, rows => {
      this.#recovered += rows
      taken(rows)
      this.#kick()
    })
  }

  stats (): UsageStats {
    return {
      recorded: this.#recorded,
      recovered: this.#recovered,
      written: this.#written,
      dropped: this.#dropped,
      waiting: this.#backlog.waiting,
      spooled: this.#backlog.spooled,
      flushDuration: this.#flushDuration,
      spool: this.#spool?.stats() ?? { bytes: 0, up: 0, down: 0 },
    }
  }

  /**
   * Writes what there is, for `timeoutMs` at most. What is left then stays in the spool; without one it is dropped,
   * counted and logged.
   */
  close ({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #recover (rows: number): void {
    this.#recovered += rows
    this.#onMoved()
    this.#kick()
  }

  #drop (reason: DropReason, rows: number, err?: unknown): void {
    this.#dropped += rows
    this.#drops.count(reason, rows, err)
  }

  /** Not within record(): what a batch takes to be sent, no response should wait for. */
  #kick (): void {
    this.#isKicked = true
    setImmediate(() => {
      this.#isKicked = false
      this.#tick()
    })
  }

  #tick (): void {
    this.#drops.say()
    if (this.#running === null && !this.#outage.isOn && !this.#isClosed) this.#run().catch(() => {})
  }

  #run (): Promise<void> {
    this.#running ??= this.#writeAll().finally(() => { this.#running = null })
    return this.#running
  }

  async #writeAll (): Promise<void> {
    try {
      try {
        await this.#writer.writeAll()
      } finally {
        // What was put off has a segment of its own, which isn't on the disk yet.
        if (this.#backlog.waiting > 0) this.#spool?.due()
      }
      await this.#forgetting.forgetSome()
    } catch (err) {
      if (this.#isAbandoned) return
      this.#outage.failed(err, { rowsWaiting: this.#backlog.waiting + this.#backlog.spooled, willRetry: !this.#isClosed })
      // Not waited for: a disk may take seconds for it, and the store be back by then.
      this.#spool?.flushed().catch(() => {})
    }
  }

  async #close (timeoutMs: number): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#ticker)
    const deadlineMs = performance.now() + timeoutMs
    while (!this.#backlog.isEmpty) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) break
      await within(this.flush(), leftMs)
      if (!this.#backlog.isEmpty) await within(new Promise(() => {}), Math.min(closeRetryMs, deadlineMs - performance.now()))
    }
    this.#outage.close()
    this.#isAbandoned = true
    this.#writer.abandon()
    await within(this.#spool?.close() ?? Promise.resolve(), spoolCloseMs)
    const rows = this.#backlog.clearWaiting()
    if (rows > 0) {
      this.#dropped += rows
      this.#logger.error({ rows }, 'usage rows lost: they could not be written before the end')
    }
    const { spooled } = this.#backlog
    if (spooled > 0) this.#logger.warn({ rows: spooled }, 'usage rows stay in the spool: the next gateway with this data folder and database writes them')
    this.#drops.say({ everything: true })
  }
}

export interface UsageRecorderOptions {
  readonly store: UsageStore
  /** Left out: rows are in memory only until they are written. */
  readonly spool?: Pick<SpoolFeederOptions, 'open' | 'isInherited' | 'bytesMax' | 'whenFull' | 'fsync'> | undefined
  readonly flushEveryMs: number
  /** Rows a batch at most, and the number that is flushed without waiting for the time. */
  readonly flushRows: number
  /** Rows held in memory only at most, those of a batch under way included. */
  readonly rowsMax?: number
  readonly logger: Logger
  /** Replaces what looks like a key; always alike in the same text. */
  readonly redact: (text: string) => string
  /** What is left out of rows before they are held anywhere; left out itself: nothing. */
  readonly privacy?: UsagePrivacy
  /** Rows have come from one place to another, or are about to be removed from the disk. */
  readonly onMoved?: () => void
}

export interface UsageStats {
  readonly recorded: number
  readonly recovered: number
  readonly written: number
  readonly dropped: number
  readonly waiting: number
  readonly spooled: number
  /** Of the batches that were written. */
  readonly flushDuration: Histogram
  readonly spool: SpoolStats
}

const closeRetryMs = 100
const spoolOpenMs = 2_000
/** For the last rows to get to a disk that may hang. */
const spoolCloseMs = 2_000

/** Resolves with the promise, or when the time is over. */
async function within (promise: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise: timeout, cancel } = after(timeoutMs)
  try {
    await Promise.race([promise, timeout])
  } finally {
    cancel()
  }
}

function after (delayMs: number): { promise: Promise<void>, cancel: () => void } {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<void>((resolve) => { timer = setTimeout(resolve, Math.max(delayMs, 0)) })
  return { promise, cancel: () => clearTimeout(timer) }
}
