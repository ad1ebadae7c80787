import { randomUUID } from 'node:crypto'
import { EncodedRows } from './encoded-rows.ts'
import type { SegmentFile } from './spool/spool.ts'
import type { UsageBatch } from './store.ts'

/**
 * Rows that go to the store under one id, and to the disk in one file until they are there. Being filled, waiting or
 * being written; in memory, on the disk or both.
 */
export class Segment {
  readonly id: string
  /** Rows. */
  count = 0
  /** Holds the rows from its beginning to `end`; null: they are on the disk only. */
  bytes: Buffer | null
  end = 0
  /** Of `end`, what is on the disk, and how many rows that is. */
  endOnDisk = 0
  countOnDisk = 0
  /** Rows of which nothing is known yet, by where they are. */
  waiting = 0
  spooled = 0
  isSealed = false
  isDone = false
  file: SegmentFile | null = null
  /** What is still to be written; null: all of it, under its own id. Its first is under way. */
  batches: UsageBatch[] | null = null
  /** Of the keys whose rows were put off; empty: it was never found out. */
  pendingKeyIds: ReadonlySet<number> = new Set()
  /** Called when its rows are on the disk, or done with. */
  onSafe: (() => void) | null = null
  /** Batches that the store may know. */
  readonly storedIds = new Set<string>()
  /** Batches whose rows are in the books. After its rows were dropped from memory, a segment is written from its beginning. */
  readonly bookedIds = new Set<string>()

  constructor (bytes: Buffer | null, id: string = randomUUID()) {
    this.id = id
    this.bytes = bytes
  }

  get isWhollyOnDisk (): boolean {
    return this.isSealed && this.countOnDisk === this.count
  }

  get rows (): EncodedRows | null {
    return this.bytes === null ? null : new EncodedRows(this.bytes.subarray(0, this.end), this.count)
  }
}
