import type { Leftover } from './spool/spool.ts'
import { encodeRow } from './row-encoding.ts'
import type { UsageRow } from './row.ts'
import { Segment } from './segment.ts'
import type { UsageBatch } from './store.ts'

/** Some 1,000 rows as they usually are: what is done for a segment at once takes well below a millisecond. */
const segmentBytesMax = 256 * 1024
/** Of rows that are on the disk as well: enough that the store never waits for the disk. */
const memoryBytesMax = 16 * 1024 * 1024

/** Every row of which the store hasn't said yet what became of it, in segments. First in, first out. */
export class Backlog {
  readonly #segmentRows: number
  /** Being filled; the same bytes always. */
  readonly #page = Buffer.allocUnsafeSlow(segmentBytesMax)
  readonly #view = new DataView(this.#page.buffer)
  #open: Segment | null = null
  #sealed: Segment[] = []
  /** Some of their rows' keys were locked: for the next flush. */
  #deferred: Segment[] = []
  /** With rows that aren't on the disk. */
  readonly #unspooled = new Set<Segment>()
  #waiting = 0
  #spooled = 0
  /** Of what is sealed. */
  #memoryBytes = 0

  /** `segmentRows`: rows a segment at most; long ones fill it earlier. */
  constructor (segmentRows: number) {
    this.#segmentRows = segmentRows
  }

  /** Rows in memory only. */
  get waiting (): number {
    return this.#waiting
  }

  /** Rows on the disk. */
  get spooled (): number {
    return this.#spooled
  }

  get isEmpty (): boolean {
    return this.#waiting + this.#spooled === 0
  }

  /** Segments that nothing more will be added to. */
  get sealedSegments (): number {
    return this.#sealed.length
  }

  /** Whether this made a segment full. Throws where the row is longer than can be. */
  add (row: UsageRow): boolean {
    const sealed = this.#sealed.length
    let segment = this.#open ??= this.#begun()
    let end = encodeRow(this.#page, this.#view, segment.end, row)
    if (end === null) {
      this.seal()
      segment = this.#open = this.#begun()
      end = encodeRow(this.#page, this.#view, 0, row)
      if (end === null) throw new RangeError('A usage row is longer than a segment')
    }
    segment.end = end
    segment.count++
    segment.waiting++
    this.#waiting++
    if (segment.count >= this.#segmentRows) this.seal()
    return this.#sealed.length > sealed
  }

  /** Adds what was found on the disk. */
  recover ({ id, file, rows }: Leftover): void {
    const segment = new Segment(null, id)
    segment.file = file
    segment.isSealed = true
    segment.count = segment.countOnDisk = segment.spooled = rows
    this.#spooled += rows
    this.#sealed.push(segment)
  }

  /** The segment being filled counts as full, if anything is in it. */
  seal (): void {
    const segment = this.#open
    if (segment === null || segment.count === 0) return
    this.#open = null
    // Copied, so that it takes no more than is in it.
    const bytes = Buffer.allocUnsafeSlow(segment.end)
    this.#page.copy(bytes, 0, 0, segment.end)
    segment.bytes = bytes
    segment.isSealed = true
    this.#memoryBytes += bytes.length
    this.#sealed.push(segment)
    if (segment.isWhollyOnDisk) this.#isSafe(segment)
  }

  /** The oldest sealed segment. */
  take (): Segment | undefined {
    return this.#sealed.shift()
  }

  /** Back to the front. */
  giveBack (segment: Segment): void {
    this.#sealed.unshift(segment)
  }

  /** All that were deferred so far. */
  takeDeferred (): Segment[] {
    const deferred = this.#deferred
    this.#deferred = []
    return deferred
  }

  defer (segment: Segment): void {
    this.#deferred.push(segment)
    if (segment.isWhollyOnDisk && this.#memoryBytes > memoryBytesMax) this.#evict(segment)
  }

  /**
   * Puts off the batches that are left of a segment, which was taken, each as a segment of its own. `whenSafe` is called
   * when none of their rows depends on the segment's file any more.
   */
  divide (segment: Segment, batches: readonly UsageBatch[], whenSafe: () => void): void {
    this.finish(segment)
    let unsafe = batches.length
    for (const { id, rows } of batches) {
      const part = new Segment(Buffer.from(rows.bytes), id)
      part.isSealed = true
      part.end = part.bytes!.length
      part.count = part.waiting = rows.count
      part.pendingKeyIds = rows.keyIds()
      part.onSafe = () => { if (--unsafe === 0) whenSafe() }
      this.#waiting += rows.count
      this.#memoryBytes += part.end
      this.#unspooled.add(part)
      this.#deferred.push(part)
    }
  }

  /** Its rows, read from the disk. */
  loaded (segment: Segment, bytes: Buffer): void {
    segment.bytes = bytes
    segment.end = bytes.length
    this.#memoryBytes += bytes.length
  }

  /** Oldest first, each with the rows that it has now. */
  unspooled (): Segment[] {
    return [...this.#unspooled].filter(({ count, countOnDisk }) => count > countOnDisk)
  }

  /** Segments of which something is on the disk. */
  onDisk (): Segment[] {
    return [...this.#sealed, ...this.#deferred, ...this.#unspooled].filter(({ countOnDisk, isDone }) => countOnDisk > 0 && !isDone)
  }

  /** The segment is on the disk up to `end`, its first `count` rows. */
  appended (segment: Segment, end: number, count: number): void {
    const rows = Math.min(count - segment.countOnDisk, segment.waiting)
    segment.endOnDisk = end
    segment.countOnDisk = count
    if (segment.isDone) return
    segment.waiting -= rows
    segment.spooled += rows
    this.#waiting -= rows
    this.#spooled += rows
    if (segment.isWhollyOnDisk) this.#isSafe(segment)
  }

  /** What was on the disk of a segment that is in memory is there no more. */
  gone (segment: Segment): void {
    const { spooled } = segment
    segment.spooled -= spooled
    segment.waiting += spooled
    this.#spooled -= spooled
    this.#waiting += spooled
    segment.endOnDisk = segment.countOnDisk = 0
    segment.file = null
  }

  /** It is known what became of so many rows of the segment. */
  settled (segment: Segment, rows: number): void {
    const spooled = Math.min(rows, segment.spooled)
    segment.spooled -= spooled
    segment.waiting -= rows - spooled
    this.#spooled -= spooled
    this.#waiting -= rows - spooled
  }

  /** Nothing is left to do about the segment, which was taken. Returns how many of its rows were left. */
  finish (segment: Segment): number {
    const rows = segment.waiting + segment.spooled
    this.settled(segment, rows)
    this.#evict(segment)
    segment.isDone = true
    segment.batches = []
    this.#isSafe(segment)
    return rows
  }

  /** Takes the oldest segment on the disk that nobody is busy with. What was put off is older than what waits. */
  takeOldestOnDisk (): Segment | undefined {
    const deferred = this.#deferred.findIndex(({ isWhollyOnDisk }) => isWhollyOnDisk)
    if (deferred !== -1) return this.#deferred.splice(deferred, 1)[0]
    const index = this.#sealed.findIndex(({ isWhollyOnDisk, batches }) => isWhollyOnDisk && batches === null)
    return index === -1 ? undefined : this.#sealed.splice(index, 1)[0]
  }

  /** Gives up what is in memory only, all or, of a segment that is on the disk in part, the rest. Returns the rows. */
  clearWaiting (): number {
    const rows = this.#waiting
    this.#waiting = 0
    this.#unspooled.clear()
    return rows
  }

  #begun (): Segment {
    const segment = new Segment(this.#page)
    this.#unspooled.add(segment)
    return segment
  }

  /** All of it is on the disk, or done with. */
  #isSafe (segment: Segment): void {
    this.#unspooled.delete(segment)
    segment.onSafe?.()
    segment.onSafe = null
    if (segment.batches === null && this.#memoryBytes > memoryBytesMax) this.#evict(segment)
  }

  #evict (segment: Segment): void {
    if (segment.bytes !== null && segment.isSealed) this.#memoryBytes -= segment.bytes.length
    segment.bytes = null
    segment.batches = null
  }
}
