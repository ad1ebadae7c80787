import { isIPv4 } from 'node:net'
import type { EncodedRows } from '../../src/usage/encoded-rows.ts'
import { noText, rowHead } from '../../src/usage/row-encoding.ts'
import { copyBytes } from '../../src/usage/stores/binary-array.ts'

/** In the order in which CopyWriter has them. */
export const copyColumns = 'api_key_id, status_code, response_time_ms, request_bytes, response_bytes, created_at, endpoint, method, ip_address, user_agent, route, request_id'

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const fields = 12
/** Of a row beyond its own bytes: its count of fields, and each one's length. */
const framingOfRow = 2 + fields * 4 + 16
/** 2000-01-01, from which Postgres counts, in milliseconds since 1970. */
const postgresEpochMs = 946_684_800_000
const addressesMax = 1_000
const addressText = 2
const nothing = -1

/**
 * Rows in the binary format of COPY, written with the care that the product's ColumnWriter takes: one buffer for every
 * batch, numbers copied as they are, addresses turned into bytes once each.
 */
export class CopyWriter {
  #bytes = Buffer.alloc(0)
  #view = new DataView(this.#bytes.buffer)
  readonly #addresses = new Map<string, Buffer>()

  /** Good until the next call. */
  bytesOf (rows: EncodedRows): Buffer {
    const bytesMax = signature.length + rows.bytes.length + rows.count * framingOfRow + 2
    if (this.#bytes.length < bytesMax) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(bytesMax * 1.25))
      this.#view = new DataView(this.#bytes.buffer)
    }
    const view = this.#view
    let end = signature.copy(this.#bytes)
    for (const start of rows.starts) end = this.#row(rows, start, end)
    view.setInt16(end, nothing)
    return this.#bytes.subarray(0, end + 2)
  }

  #row ({ bytes: from, view: fromView }: EncodedRows, start: number, at: number): number {
    const bytes = this.#bytes
    const view = this.#view
    let end = at
    view.setInt16(end, fields)
    end += 2
    // A key's id is an integer in the table and a bigint in a row.
    view.setInt32(end, 4)
    view.setInt32(end + 4, fromView.getInt32(start + rowHead.keyIdAt + 4))
    view.setInt32(end + 8, 4)
    view.setInt32(end + 12, fromView.getInt32(start + rowHead.statusCodeAt))
    view.setInt32(end + 16, 4)
    view.setInt32(end + 20, fromView.getInt32(start + rowHead.responseTimeMsAt))
    end += 24
    for (const numberAt of [rowHead.requestBytesAt, rowHead.responseBytesAt]) {
      view.setInt32(end, 8)
      copyBytes(from, fromView, start + numberAt, bytes, view, end + 4, 8)
      end += 12
    }
    view.setInt32(end, 8)
    setMicros(view, end + 4, fromView.getFloat64(start + rowHead.createdAtMsAt))
    end += 12
    let textAt = start + rowHead.textsAt
    for (let text = 0; text < 6; text++) {
      const length = fromView.getUint16(start + rowHead.textBytesAt + 2 * text)
      if (length === noText) {
        view.setInt32(end, nothing)
        end += 4
        continue
      }
      if (text === addressText) {
        const address = this.#addressOf(from.toString('latin1', textAt, textAt + length))
        view.setInt32(end, address.length)
        bytes.set(address, end + 4)
        end += 4 + address.length
      } else {
        view.setInt32(end, length)
        copyBytes(from, fromView, textAt, bytes, view, end + 4, length)
        end += 4 + length
      }
      textAt += length
    }
    return end
  }

  #addressOf (text: string): Buffer {
    let bytes = this.#addresses.get(text)
    if (bytes === undefined) {
      if (this.#addresses.size >= addressesMax) this.#addresses.clear()
      this.#addresses.set(text, bytes = inetOf(text))
    }
    return bytes
  }
}

function setMicros (view: DataView, at: number, epochMs: number): void {
  const micros = Math.round((epochMs - postgresEpochMs) * 1000)
  view.setInt32(at, Math.floor(micros / 2 ** 32))
  view.setUint32(at + 4, micros >>> 0)
}

/** As Postgres sends and takes an inet: family, bits, whether a cidr, bytes, address. */
function inetOf (text: string): Buffer {
  if (isIPv4(text)) return Buffer.from([2, 32, 0, 4, ...text.split('.').map(Number)])
  const [head = '', tail] = text.split('::')
  const wordsOf = (part: string) => part === '' ? [] : part.split(':').map(word => parseInt(word, 16))
  const first = wordsOf(head)
  const last = tail === undefined ? [] : wordsOf(tail)
  const words = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Buffer.from([3, 128, 0, 16, ...words.flatMap(word => [word >> 8, word & 0xff])])
}
