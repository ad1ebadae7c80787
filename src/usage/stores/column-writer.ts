import type { EncodedRows } from '../encoded-rows.ts'
import { noText, rowHead, textsOfRow } from '../row-encoding.ts'
import { beginArray, copyBytes, elementLength, firstElementAt, nullLength, oids } from './binary-array.ts'

/** The rows' columns, as arrays of the type that is named. */
export interface BinaryColumns {
  /** bigint[] */
  readonly keyId: Buffer
  /** float8[] */
  readonly createdAtMs: Buffer
  /** bigint[] */
  readonly requestBytes: Buffer
  /** bigint[] */
  readonly responseBytes: Buffer
  /** int[] */
  readonly statusCode: Buffer
  /** int[] */
  readonly responseTimeMs: Buffer
  /** text[], as all that follow. */
  readonly endpoint: Buffer
  readonly method: Buffer
  readonly ipAddress: Buffer
  readonly userAgent: Buffer
  readonly route: Buffer
  readonly requestId: Buffer
}

/**
 * Turns rows into columns in Postgres' binary format: less work for either side than text, as nothing is quoted,
 * escaped or parsed, and every character that Postgres can hold gets there as it is.
 *
 * All columns of a batch are in one buffer, which the next batch gets again: new ones would be a garbage collection
 * every hundred batches. The loops are as plain as can be, since they are most of what a row costs once it is recorded.
 */
export class ColumnWriter {
  #bytes = Buffer.alloc(0)
  #view = new DataView(this.#bytes.buffer)
  #end = 0

  /** One row at least. What it gives is good until the next call. */
  columnsOf (rows: EncodedRows): BinaryColumns {
    this.#makeRoomFor(rows)
    const textStarts = rows.starts.map((start) => start + rowHead.textsAt)
    const texts: Buffer[] = []
    for (let text = 0; text < textsOfRow; text++) texts.push(this.#texts(rows, textStarts, text))
    const [endpoint, method, ipAddress, userAgent, route, requestId] = texts as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
    return {
      keyId: this.#numbers(rows, oids.int8, rowHead.keyIdAt, 8),
      createdAtMs: this.#numbers(rows, oids.float8, rowHead.createdAtMsAt, 8),
      requestBytes: this.#numbers(rows, oids.int8, rowHead.requestBytesAt, 8),
      responseBytes: this.#numbers(rows, oids.int8, rowHead.responseBytesAt, 8),
      statusCode: this.#numbers(rows, oids.int4, rowHead.statusCodeAt, 4),
      responseTimeMs: this.#numbers(rows, oids.int4, rowHead.responseTimeMsAt, 4),
      endpoint,
      method,
      ipAddress,
      userAgent,
      route,
      requestId,
    }
  }

  #makeRoomFor ({ bytes, count }: EncodedRows): void {
    this.#end = 0
    // A row's head is more than its numbers' bytes; what is left of it counts for nothing here.
    const bytesMax = bytes.length + columns * (firstElementAt + count * elementLength)
    if (this.#bytes.length >= bytesMax) return
    this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(bytesMax * growth))
    this.#view = new DataView(this.#bytes.buffer)
  }

  #numbers ({ view: rowView, bytes: rowBytes, starts }: EncodedRows, oid: number, at: number, numberBytes: number): Buffer {
    const begin = this.#end
    const bytes = this.#bytes
    const view = this.#view
    let end = beginArray(view, begin, oid, starts.length)
    for (let row = 0; row < starts.length; row++) {
      view.setInt32(end, numberBytes)
      end += elementLength
      copyBytes(rowBytes, rowView, starts[row]! + at, bytes, view, end, numberBytes)
      end += numberBytes
    }
    this.#end = end
    return bytes.subarray(begin, end)
  }

  /** `textStarts`, where each row's text of this number begins, is moved on to the next one's. */
  #texts ({ view: rowView, bytes: rowBytes, starts }: EncodedRows, textStarts: Int32Array, text: number): Buffer {
    const begin = this.#end
    const bytes = this.#bytes
    const view = this.#view
    const lengthAt = rowHead.textBytesAt + 2 * text
    let end = beginArray(view, begin, oids.text, starts.length)
    for (let row = 0; row < starts.length; row++) {
      const length = rowView.getUint16(starts[row]! + lengthAt)
      view.setInt32(end, length === noText ? nullLength : length)
      end += elementLength
      if (length === noText) continue
      copyBytes(rowBytes, rowView, textStarts[row]!, bytes, view, end, length)
      end += length
      textStarts[row]! += length
    }
    this.#end = end
    return bytes.subarray(begin, end)
  }
}

const columns = 12
const growth = 1.25
