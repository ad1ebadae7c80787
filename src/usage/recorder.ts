import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { Histogram } from '../metrics/histogram.ts'
import { DropLog } from './drop-log.ts'
import type { EncodedRows } from './encoded-rows.ts'
import { Outage } from './outage.ts'
import { RowCleaner } from './row.ts'
import type { UsageRow } from './row.ts'
import { RowQueue } from './row-queue.ts'
import type { UsageBatch, UsageStore, WriteOutcome } from './store.ts'

export type { UsageRow } from './row.ts'

/**
 * Takes one row a request and writes them in batches, one batch at a time. Every row is in exactly one place:
 * recorded + recovered = written + dropped + waiting + spooled, whenever stats() is read. A row of a batch under way
 * is waiting until the store has said what became of it.
 */
export class UsageRecorder {
  readonly #store: UsageStore
  readonly #rowsMax: number
  readonly #logger: Logger
  readonly #cleaner: RowCleaner
  readonly #drops: DropLog
  readonly #outage: Outage
  readonly #ticker: NodeJS.Timeout
  readonly #flushDuration = new Histogram()

  readonly #fresh: RowQueue
  /** Their key was locked: for the next flush. */
  readonly #deferred: RowQueue
  /** The batch being written; several where the store refused one and it was split. */
  #batches: UsageBatch[] = []
  /** Of #deferred, what had been deferred before the flush under way. */
  #duePages = 0
  /** The flush under way has not come to the page being filled yet. */
  #isRestDue = false

  #recorded = 0
  #written = 0
  #dropped = 0
  #batchesUntilPrune = 0
  #running: Promise<void> | null = null
  #isKicked = false
  #isClosed = false
  /** Past close()'s time: what is still under way counts no more. */
  #isAbandoned = false
  #closing: Promise<void> | null = null

  constructor ({ store, flushEveryMs, flushRows, rowsMax = 100_000, logger, redact }: UsageRecorderOptions) {
    this.#store = store
    this.#rowsMax = rowsMax
    this.#logger = logger
    this.#cleaner = new RowCleaner(redact)
    this.#fresh = new RowQueue(flushRows)
    this.#deferred = new RowQueue(flushRows)
    this.#drops = new DropLog(logger)
    this.#outage = new Outage(logger, () => { this.#run().catch(() => {}) })
    this.#ticker = setInterval(() => this.#tick(), flushEveryMs).unref()
  }

  /**
   * Never throws and never waits. When the queue is full, this row is dropped and counted. Nothing of the row is kept
   * but bytes.
   */
  record (row: UsageRow): void {
    this.#recorded++
    if (this.#isClosed) return this.#drop('recorder closed', 1)
    if (this.#waiting() >= this.#rowsMax) return this.#drop('queue full', 1)
    try {
      const isPageFull = this.#fresh.add(this.#cleaner.clean(row))
      if (isPageFull && !this.#isKicked) this.#kick()
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

  stats (): UsageStats {
    return {
      recorded: this.#recorded,
      recovered: 0,
      written: this.#written,
      dropped: this.#dropped,
      waiting: this.#waiting(),
      spooled: 0,
      flushDuration: this.#flushDuration,
    }
  }

  /** Writes what waits, for `timeoutMs` at most; what is left then is dropped, counted and logged. */
  close ({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #waiting (): number {
    let rows = this.#fresh.count + this.#deferred.count
    for (const batch of this.#batches) rows += batch.rows.count
    return rows
  }

  #drop (reason: Parameters<DropLog['count']>[0], rows: number, err?: unknown): void {
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
    this.#deferred.seal()
    this.#duePages = this.#deferred.fullPages
    this.#isRestDue = true
    while (!this.#isAbandoned) {
      const batch = this.#nextBatch()
      if (batch === undefined) return
      const startedAtMs = performance.now()
      let outcome: WriteOutcome
      try {
        outcome = await this.#store.write(batch)
      } catch (err) {
        if (!this.#isAbandoned) this.#outage.failed(err, { rowsWaiting: this.#waiting(), willRetry: !this.#isClosed })
        return
      }
      if (this.#isAbandoned) return
      this.#outage.ended()
      this.#apply(batch, outcome)
      if (outcome.kind === 'written') this.#flushDuration.observe((performance.now() - startedAtMs) / 1000)
      await this.#pruneSometimes()
    }
  }

  #nextBatch (): UsageBatch | undefined {
    if (this.#batches.length === 0) {
      const rows = this.#nextPage()
      if (rows !== undefined) this.#batches.push(newBatch(rows))
    }
    return this.#batches[0]
  }

  /** Every page that is full, and the one being filled once: while an outage lasts, it goes on being filled. */
  #nextPage (): EncodedRows | undefined {
    if (this.#duePages > 0) {
      this.#duePages--
      return this.#deferred.takeFull()
    }
    const full = this.#fresh.takeFull()
    if (full !== undefined || !this.#isRestDue) return full
    this.#isRestDue = false
    this.#fresh.seal()
    return this.#fresh.takeFull()
  }

  #apply (batch: UsageBatch, outcome: WriteOutcome): void {
    this.#batches.shift()
    if (outcome.kind === 'refused') return this.#split(batch, outcome.reason)
    this.#written += outcome.rowsWritten
    if (outcome.rowsOrphaned > 0) this.#drop('key deleted', outcome.rowsOrphaned)
    if (outcome.deferred !== null) this.#deferred.addEncoded(outcome.deferred)
    if (outcome.lastUsedError !== null) {
      this.#logger.warn({ err: outcome.lastUsedError }, 'usage was written, but last_used_at could not be')
    }
  }

  /** Halves get ids of their own: nothing was or will be written under the refused batch's id. */
  #split ({ rows }: UsageBatch, reason: unknown): void {
    if (rows.count === 1) return this.#drop('refused by the store', 1, reason)
    this.#batches.unshift(...rows.halves().map(newBatch))
  }

  async #pruneSometimes (): Promise<void> {
    if (this.#batchesUntilPrune-- > 0 || this.#isClosed) return
    this.#batchesUntilPrune = batchesPerPrune
    try {
      await this.#store.prune()
    } catch (err) {
      this.#logger.warn({ err }, 'old usage batches could not be pruned')
    }
  }

  async #close (timeoutMs: number): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#ticker)
    const deadlineMs = performance.now() + timeoutMs
    while (this.#waiting() > 0) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) break
      await within(this.flush(), leftMs)
      if (this.#waiting() > 0) await within(new Promise(() => {}), Math.min(closeRetryMs, deadlineMs - performance.now()))
    }
    this.#outage.close()
    this.#isAbandoned = true
    const rows = this.#waiting()
    if (rows > 0) {
      this.#fresh.clear()
      this.#deferred.clear()
      this.#batches = []
      this.#dropped += rows
      this.#logger.error({ rows }, 'usage rows lost: they could not be written before the end')
    }
    this.#drops.say({ everything: true })
  }
}

export interface UsageRecorderOptions {
  readonly store: UsageStore
  readonly flushEveryMs: number
  /** Rows a batch at most, and the number that is flushed without waiting for the time. */
  readonly flushRows: number
  /** Rows held at most, those of a batch under way included. */
  readonly rowsMax?: number
  readonly logger: Logger
  /** Replaces what looks like a key; always alike in the same text. */
  readonly redact: (text: string) => string
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
}

const batchesPerPrune = 1000
const closeRetryMs = 100

function newBatch (rows: EncodedRows): UsageBatch {
  return { id: randomUUID(), rows, expected: null }
}

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
