import { crc32 } from 'node:zlib'
import { EncodedRows } from '../encoded-rows.ts'
import { rowHead } from '../row-encoding.ts'

/** At the beginning of each segment file; the last byte is the format's version. */
export const segmentHeader = Buffer.from('LKUSAGE\x01', 'latin1')

const summedFrom = rowHead.checksumAt + 4

/** A copy of whole rows as they go to the disk: each with the CRC-32 of all behind it. */
export function checksummed (rows: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(rows.length)
  rows.copy(copy)
  for (let start = 0; start < copy.length;) {
    const end = start + copy.readUInt32BE(start + rowHead.bytesAt)
    copy.writeUInt32BE(crc32(copy.subarray(start + summedFrom, end)), start + rowHead.checksumAt)
    start = end
  }
  return copy
}

/**
 * The rows of a segment file up to the first that isn't whole: what a crash has cut off, or a disk has lost, is behind
 * it. `bytes` is where they end in the file.
 */
export function wholeRows (file: Buffer): { readonly rows: EncodedRows, readonly bytes: number } {
  if (file.length < segmentHeader.length || !file.subarray(0, segmentHeader.length).equals(segmentHeader)) return { rows: new EncodedRows(Buffer.alloc(0), 0), bytes: 0 }
  let end = segmentHeader.length
  let count = 0
  for (let next = endOfRow(file, end); next !== null; next = endOfRow(file, end)) {
    end = next
    count++
  }
  return { rows: new EncodedRows(file.subarray(segmentHeader.length, end), count), bytes: end }
}

/** Null where what begins there is no whole row. */
function endOfRow (file: Buffer, start: number): number | null {
  if (start + rowHead.textsAt > file.length) return null
  const bytes = file.readUInt32BE(start + rowHead.bytesAt)
  const end = start + bytes
  if (bytes < rowHead.textsAt || end > file.length) return null
  return crc32(file.subarray(start + summedFrom, end)) === file.readUInt32BE(start + rowHead.checksumAt) ? end : null
}
