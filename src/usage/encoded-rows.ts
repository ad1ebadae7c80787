import { keyIdAt, rowHead } from './row-encoding.ts'

/** Rows, one behind the other. Never changed: halves share their bytes. */
export class EncodedRows {
  readonly bytes: Buffer
  readonly view: DataView
  /** Where each row begins. */
  readonly starts: Int32Array

  constructor (bytes: Buffer, count: number) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const starts = new Int32Array(count)
    for (let row = 0, start = 0; row < count; row++) {
      starts[row] = start
      start += view.getUint32(start + rowHead.bytesAt)
    }
    this.bytes = bytes
    this.view = view
    this.starts = starts
  }

  get count (): number {
    return this.starts.length
  }

  /** Of a row, by its place among the others: shared, not copied. */
  bytesOf (row: number): Buffer {
    return this.bytes.subarray(this.starts[row], this.#end(row))
  }

  keyIds (): Set<number> {
    const ids = new Set<number>()
    for (const start of this.starts) ids.add(keyIdAt(this.view, start))
    return ids
  }

  /** Of each of these keys, when it was last used, in milliseconds since 1970; 0 for one that isn't among the rows. */
  lastUsesMs (keyIds: readonly number[]): Map<number, number> {
    const usedAtMs = new Map<number, number>(keyIds.map((id) => [id, 0]))
    for (const start of this.starts) {
      const keyId = keyIdAt(this.view, start)
      const known = usedAtMs.get(keyId)
      const createdAtMs = this.view.getFloat64(start + rowHead.createdAtMsAt)
      if (known !== undefined && createdAtMs > known) usedAtMs.set(keyId, createdAtMs)
    }
    return usedAtMs
  }

  /** Copies of the rows of these keys, in their order. */
  ofKeys (keyIds: ReadonlySet<number>): EncodedRows {
    const chosen: Buffer[] = []
    for (const [row, start] of this.starts.entries()) {
      if (keyIds.has(keyIdAt(this.view, start))) chosen.push(this.bytesOf(row))
    }
    return new EncodedRows(Buffer.concat(chosen), chosen.length)
  }

  /** The first `count` rows, and those behind them. */
  splitAt (count: number): [EncodedRows, EncodedRows] {
    const middle = count === 0 ? 0 : this.#end(count - 1)
    return [
      new EncodedRows(this.bytes.subarray(0, middle), count),
      new EncodedRows(this.bytes.subarray(middle), this.count - count),
    ]
  }

  #end (row: number): number {
    const start = this.starts[row]!
    return start + this.view.getUint32(start + rowHead.bytesAt)
  }
}
