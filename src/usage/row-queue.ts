import { EncodedRows } from './encoded-rows.ts'
import type { UsageRow } from './row.ts'
import { encodeRow } from './row-encoding.ts'

/** Some 1,000 rows as they usually are: what is done for a page at once takes well below a millisecond. */
const pageBytes = 256 * 1024

/** Rows that wait, as bytes in pages: each page becomes a batch. First in, first out. */
export class RowQueue {
  readonly #pageRows: number
  #full: EncodedRows[] = []
  #fullRows = 0
  /** Being filled; the same one always. */
  readonly #page = Buffer.allocUnsafeSlow(pageBytes)
  readonly #view = new DataView(this.#page.buffer)
  #end = 0
  #rows = 0

  /** `pageRows`: rows a page at most; long ones fill it earlier. */
  constructor (pageRows: number) {
    this.#pageRows = pageRows
  }

  get count (): number {
    return this.#fullRows + this.#rows
  }

  /** Pages that nothing more will be added to. */
  get fullPages (): number {
    return this.#full.length
  }

  /** Whether this made a page full. Throws where the row is longer than can be. */
  add (row: UsageRow): boolean {
    const fullPages = this.#full.length
    let end = encodeRow(this.#page, this.#view, this.#end, row)
    if (end === null) {
      this.seal()
      end = encodeRow(this.#page, this.#view, 0, row)
      if (end === null) throw new RangeError('A usage row is longer than a page')
    }
    this.#added(end)
    return this.#full.length > fullPages
  }

  /** Adds rows that another queue, or this one, has given away. */
  addEncoded (rows: EncodedRows): void {
    for (let row = 0; row < rows.count; row++) {
      const bytes = rows.bytesOf(row)
      if (this.#end + bytes.length > pageBytes) this.seal()
      this.#page.set(bytes, this.#end)
      this.#added(this.#end + bytes.length)
    }
  }

  /** The oldest page, if it is full. */
  takeFull (): EncodedRows | undefined {
    const rows = this.#full.shift()
    this.#fullRows -= rows?.count ?? 0
    return rows
  }

  /** The page being filled counts as full, if anything is in it. */
  seal (): void {
    if (this.#rows === 0) return
    // Copied, so that a page takes no more than is in it.
    const bytes = Buffer.allocUnsafeSlow(this.#end)
    this.#page.copy(bytes, 0, 0, this.#end)
    this.#full.push(new EncodedRows(bytes, this.#rows))
    this.#fullRows += this.#rows
    this.#end = 0
    this.#rows = 0
  }

  clear (): void {
    this.#full = []
    this.#fullRows = 0
    this.#end = 0
    this.#rows = 0
  }

  #added (end: number): void {
    this.#end = end
    this.#rows++
    if (this.#rows >= this.#pageRows) this.seal()
  }
}
