import { crc32 } from 'node:zlib'
import { EncodedRows } from '../encoded-rows.ts'
import { noText, rowHead, textsOfRow } from '../row-encoding.ts'

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
 * The rows of a segment file that are whole. A crash cuts the last one off; a disk may also lose what is in between.
 * No text of a row can pass for a row: each begins with a NUL, and texts have none.
 *
 * `end` is where the last one ends in the file; `bytesLost` are those of the file that are no row's.
 */
export function wholeRows (file: Buffer): { readonly rows: EncodedRows, readonly end: number, readonly bytesLost: number } {
  const pieces: Buffer[] = []
  let count = 0
  let end = segmentHeader.length
  for (let start = end, at = end; start < file.length; start = at = Math.max(at + 1, start)) {
    for (let next = endOfRow(file, at); next !== null; next = endOfRow(file, at)) {
      at = next
      count++
    }
    if (at === start) continue
    pieces.push(file.subarray(start, at))
    end = at
    at--
  }
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  return { rows: new EncodedRows(bytes, count), end, bytesLost: file.length - segmentHeader.length - bytes.length }
}

/** Whether it is a segment of this format. */
export function isSegment (file: Buffer): boolean {
  return file.subarray(0, segmentHeader.length).equals(segmentHeader)
}

/** Says cheaply of most that it is no row. */
function textBytesOf (file: Buffer, start: number): number {
  let bytes = 0
  for (let text = 0; text < textsOfRow; text++) {
    const length = file.readUInt16BE(start + rowHead.textBytesAt + 2 * text)
    if (length !== noText) bytes += length
  }
  return bytes
}

/** Null where what begins there is no whole row. */
function endOfRow (file: Buffer, start: number): number | null {
  if (start + rowHead.textsAt > file.length) return null
  const bytes = file.readUInt32BE(start + rowHead.bytesAt)
  const end = start + bytes
  if (bytes < rowHead.textsAt || end > file.length || rowHead.textsAt + textBytesOf(file, start) !== bytes) return null
  return crc32(file.subarray(start + summedFrom, end)) === file.readUInt32BE(start + rowHead.checksumAt) ? end : null
}
