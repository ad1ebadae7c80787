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
  /** Rows of a segment that is on the disk only; null where they can't be read any more. */
  readonly load: (segment: Segment) => Promise<Buffer | null>
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
 * segment's, so that a segment can be written from its beginning after a crash, or when its rows were dropped from
 * memory: the store says of each batch whether it has it.
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
    for (let segment = deferred.shift(); segment !== undefined; segment = deferred.shift()) {
      try {
        await this.#write(segment)
      } catch (err) {
        for (const left of [segment, ...deferred]) backlog.defer(left)
        throw err
      }
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
        await this.#write(segment)
      } catch (err) {
        backlog.giveBack(segment)
        throw err
      }
    }
  }

  async #write (segment: Segment): Promise<void> {
    const { backlog, load, onDone, onDropped } = this.#options
    if (segment.bytes === null && segment.batches === null) {
      const bytes = await load(segment)
      if (bytes === null) {
        // Its file stays for another try, by another process.
        return onDropped('unreadable on disk', backlog.finish(segment))
      }
      backlog.loaded(segment, bytes)
    }
    const batches = segment.batches ??= [{ id: segment.id, splitIds: [], rows: segment.rows! }]
    const later: UsageBatch[] = []
    for (let batch = batches[0]; batch !== undefined && !this.#isAbandoned; batch = batches[0]) {
      if (this.#isLocked(batch.rows)) {
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
    if (later.length > 0) {
      segment.batches = later
      return backlog.defer(segment)
    }
    const rowsMissing = backlog.finish(segment)
    if (rowsMissing > 0) onDropped('unreadable on disk', rowsMissing)
    onDone(segment)
  }

  /** The first of `batches`, whose place is taken by what is still to be written of it; `later` gets what isn't now. */
  async #writeBatch (segment: Segment, batches: UsageBatch[], later: UsageBatch[]): Promise<void> {
    const { store, onBatch } = this.#options
    const batch = batches[0]!
    const startedAtMs = performance.now()
    if (segment.storedIds.at(-1) !== batch.id) segment.storedIds.push(batch.id)
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
          putOff.push({ id: derivedId(batch.id, 'deferred'), splitIds: [], rows: deferred })
        }
        this.#book(segment, batch, outcome)
        break
      }
      case 'locked':
        for (const id of outcome.keyIds) this.#lockedKeys.add(id)
        later.push(batch)
        break
      case 'split':
        batches.unshift(...halvesOf(batch))
        break
      case 'refused':
        if (batch.rows.count > 1) batches.unshift(...halvesOf(batch))
        else this.#bookDrop(segment, batch, outcome.reason)
    }
    onBatch(outcome.kind === 'written' ? performance.now() - startedAtMs : null)
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

  #isLocked (rows: EncodedRows): boolean {
    if (this.#lockedKeys.size === 0) return false
    for (const id of rows.keyIds()) if (!this.#lockedKeys.has(id)) return false
    return true
  }
}

function halvesOf ({ id, splitIds, rows }: UsageBatch): [UsageBatch, UsageBatch] {
  const [first, second] = rows.halves()
  const ids = [...splitIds, id]
  return [
    { id: derivedId(id, 'first half'), splitIds: ids, rows: first },
    { id: derivedId(id, 'second half'), splitIds: ids, rows: second },
  ]
}
