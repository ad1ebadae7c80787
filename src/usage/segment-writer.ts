import type { Logger } from 'pino'
import type { Backlog } from './backlog.ts'
import { derivedId } from './derived-id.ts'
import type { DropReason } from './drop-log.ts'
import type { EncodedRows } from './encoded-rows.ts'
import type { Segment } from './segment.ts'
import type { UsageBatch, UsageStore, Written } from './store.ts'

export interface SegmentWriterOptions {
  readonly store: UsageStore
  readonly backlog: Backlog
  /** Rows of a segment that is on the disk only; null where they are gone for good. Rejects where they can't be read now. */
  readonly load: (segment: Segment) => Promise<EncodedRows | null>
  /** Nothing more is to be done about the segment. */
  readonly onDone: (segment: Segment) => void
  readonly onWritten: (rows: number) => void
  readonly onDropped: (reason: DropReason, rows: number, err?: unknown) => void
  /** After each batch, with its duration where it was written. */
  readonly onBatch: (durationMs: number | null) => void
  readonly logger: Logger
}

/**
 * Writes the backlog to the store, a batch at a time: as a rule a segment is one. What the store refuses is split
 * until the row is found, what somebody holds locked is put off. Batches made that way have ids that follow from the
 * segment's, so that a segment can be written from its beginning after a crash: the store says of each batch whether it
 * has it.
 */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  /** Keys that were found locked during this flush. */
  readonly #lockedKeys = new Set<number>()
  #isAbandoned = false

  constructor (options: SegmentWriterOptions) {
    this.#options = options
  }

  /** What is still under way counts no more, and nothing is begun. */
  abandon (): void {
    this.#isAbandoned = true
  }

  /** Writes what was put off, all that is sealed, and once what is being filled. Rejects where the store can't write now. */
  async writeAll (): Promise<void> {
    const { backlog } = this.#options
    this.#lockedKeys.clear()
    const deferred = backlog.takeDeferred()
    const unreadable: Segment[] = []
    try {
      for (let segment = deferred[0]; segment !== undefined && !this.#isAbandoned; segment = deferred[0]) {
        await this.#attempt(segment, unreadable)
        deferred.shift()
      }
      let isRestDue = true
      while (!this.#isAbandoned) {
        // The one being filled, once: while an outage lasts, it goes on being filled.
        if (backlog.sealedSegments === 0 && isRestDue) {
          isRestDue = false
          backlog.seal()
        }
        const segment = backlog.take()
        if (segment === undefined) return
        try {
          await this.#attempt(segment, unreadable)
        } catch (err) {
          backlog.giveBack(segment)
          throw err
        }
      }
    } finally {
      for (const segment of [...deferred, ...unreadable]) backlog.defer(segment)
    }
  }

  /** Rejects where the store can't write now; what is wrong with the segment itself holds up no other. */
  async #attempt (segment: Segment, unreadable: Segment[]): Promise<void> {
    const { backlog, load, onDropped, logger } = this.#options
    if (isWithin(segment.pendingKeyIds, this.#lockedKeys)) return backlog.defer(segment)
    let rows: EncodedRows | null = null
    if (segment.bytes === null && segment.batches === null) {
      try {
        rows = await load(segment)
      } catch (err) {
        logger.error({ err, segment: segment.id }, 'a usage segment cannot be read now, and is tried again')
        unreadable.push(segment)
        return
      }
      // Its file, should it be there, stays for another try by another process.
      if (rows === null || rows.count === 0) return onDropped('unreadable on disk', backlog.finish(segment))
      backlog.loaded(segment, rows.bytes)
    }
    segment.batches ??= [{ id: segment.id, splits: [], rows: rows ?? segment.rows! }]
    await this.#write(segment, segment.batches)
  }

  async #write (segment: Segment, batches: UsageBatch[]): Promise<void> {
    const { backlog, onDone, onDropped } = this.#options
    const later: UsageBatch[] = []
    for (let batch = batches[0]; batch !== undefined && !this.#isAbandoned; batch = batches[0]) {
      if (isWithin(batch.rows.keyIds(), this.#lockedKeys)) {
        later.push(batches.shift()!)
        continue
      }
      try {
        await this.#writeBatch(segment, batches, later)
      } catch (err) {
        batches.push(...later)
        throw err
      }
    }
    if (this.#isAbandoned) return
    if (later.length > 0) return this.#putOff(segment, later)
    const rowsMissing = backlog.finish(segment)
    if (rowsMissing > 0) onDropped('unreadable on disk', rowsMissing)
    onDone(segment)
  }

  /** The first of `batches`, whose place is taken by what is still to be written of it; `later` gets what isn't now. */
  async #writeBatch (segment: Segment, batches: UsageBatch[], later: UsageBatch[]): Promise<void> {
    const { store, onBatch } = this.#options
    const batch = batches[0]!
    const startedAtMs = performance.now()
    segment.storedIds.add(batch.id)
    const outcome = await store.write(batch)
    if (this.#isAbandoned) return
    batches.shift()
    switch (outcome.kind) {
      case 'written': {
        const { deferred, isEarlier } = outcome
        if (deferred !== null) {
          if (!isEarlier) for (const id of deferred.keyIds()) this.#lockedKeys.add(id)
          // What was locked at an earlier attempt may be free by now.
          const putOff = isEarlier ? batches : later
          putOff.push({ id: derivedId(batch.id, 'deferred'), splits: [], rows: deferred })
        }
        this.#book(segment, batch, outcome)
        break
      }
      case 'locked':
        for (const id of outcome.keyIds) this.#lockedKeys.add(id)
        later.push(batch)
        break
      case 'split':
        batches.unshift(...partsOf(batch, outcome.rows))
        break
      case 'refused':
        if (batch.rows.count > 1) batches.unshift(...partsOf(batch, batch.rows.count))
        else this.#bookDrop(segment, batch, outcome.reason)
    }
    onBatch(outcome.kind === 'written' ? performance.now() - startedAtMs : null)
  }

  /**
   * Rows that wait for long shouldn't keep all those that came with them: they get segments of their own, where the
   * store knows all it has to about the batches that they come from.
   */
  #putOff (segment: Segment, later: UsageBatch[]): void {
    const { backlog, onDone } = this.#options
    if (later.length === 1 && later[0]!.id === segment.id) {
      segment.batches = later
      segment.pendingKeyIds = later[0]!.rows.keyIds()
      return backlog.defer(segment)
    }
    if (later.every(({ splits }) => splits.length === 0)) return backlog.divide(segment, later, () => onDone(segment))
    segment.batches = later
    segment.pendingKeyIds = new Set(later.flatMap(({ rows }) => [...rows.keyIds()]))
    backlog.defer(segment)
  }

  #book (segment: Segment, { id }: UsageBatch, { rowsWritten, rowsOrphaned, lastUsedError }: Written): void {
    const { backlog, onWritten, onDropped, logger } = this.#options
    if (lastUsedError !== null) logger.warn({ err: lastUsedError }, 'usage was written, but last_used_at could not be')
    if (segment.bookedIds.has(id)) return
    segment.bookedIds.add(id)
    backlog.settled(segment, rowsWritten + rowsOrphaned)
    onWritten(rowsWritten)
    if (rowsOrphaned > 0) onDropped('key deleted', rowsOrphaned)
  }

  #bookDrop (segment: Segment, { id }: UsageBatch, reason: unknown): void {
    const { backlog, onDropped } = this.#options
    if (segment.bookedIds.has(id)) return
    segment.bookedIds.add(id)
    backlog.settled(segment, 1)
    onDropped('refused by the store', 1, reason)
  }
}

/**
 * Two, or one where all rows at hand are in the first half. `rowsOfWhole`: that the batch had when it was first split,
 * so that each row comes into the same part again.
 */
function partsOf ({ id, splits, rows }: UsageBatch, rowsOfWhole: number): UsageBatch[] {
  const [first, second] = rows.splitAt(Math.min(Math.ceil(rowsOfWhole / 2), rows.count))
  const withThis = [...splits, { id, rows: rowsOfWhole }]
  const parts: UsageBatch[] = [
    { id: derivedId(id, 'first half'), splits: withThis, rows: first },
    { id: derivedId(id, 'second half'), splits: withThis, rows: second },
  ]
  return parts.filter(({ rows: { count } }) => count > 0)
}

function isWithin (ids: ReadonlySet<number>, others: ReadonlySet<number>): boolean {
  if (ids.size === 0 || ids.size > others.size) return false
  for (const id of ids) if (!others.has(id)) return false
  return true
}
