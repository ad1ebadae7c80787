import type { UsageRow } from './row.ts'

/**
 * A row as bytes, which cost the collector of garbage nothing while they wait: a head of fixed size, its numbers in
 * network order as in Postgres' own binary formats, and the texts behind it in UTF-8.
 */
export const rowHead = {
  /** u32: of the whole row, this number included. */
  bytesAt: 0,
  /** u32: CRC-32 of all that follows, once the row is on its way to the spool. */
  checksumAt: 4,
  /** int8 */
  keyIdAt: 8,
  /** float8 */
  createdAtMsAt: 16,
  /** int8 */
  requestBytesAt: 24,
  /** int8 */
  responseBytesAt: 32,
  /** int4 */
  statusCodeAt: 40,
  /** int4 */
  responseTimeMsAt: 44,
  /** u16 for each text in turn: its bytes, or `noText`. */
  textBytesAt: 48,
  /** Where the first text begins: endpoint, method, ipAddress, userAgent, route, requestId. */
  textsAt: 60,
} as const

export const textsOfRow = 6
export const noText = 0xffff
/** A text's bytes are less than `noText`, whichever characters these are; cleaned rows stay far below. */
const charactersMax = 20_000
const bytesOfCharacterMax = 3
const two32 = 2 ** 32

/**
 * Writes a cleaned row and gives the place behind it, or null where it may not fit in. Lone surrogates become U+FFFD.
 * `view` is of the same bytes.
 */
export function encodeRow (bytes: Buffer, view: DataView, start: number, row: UsageRow): number | null {
  const { endpoint, method, ipAddress, userAgent, route, requestId } = row
  const text = `${endpoint}${method}${ipAddress ?? ''}${userAgent ?? ''}${route}${requestId}`
  if (text.length > charactersMax) throw new RangeError('The texts of a usage row are too long')
  const textsAt = start + rowHead.textsAt
  if (textsAt + text.length * bytesOfCharacterMax > bytes.length) return null
  const lengthsAt = start + rowHead.textBytesAt
  let end = textsAt + bytes.write(text, textsAt)
  if (end === textsAt + text.length) {
    // All ASCII.
    view.setUint16(lengthsAt, endpoint.length)
    view.setUint16(lengthsAt + 2, method.length)
    view.setUint16(lengthsAt + 4, ipAddress === null ? noText : ipAddress.length)
    view.setUint16(lengthsAt + 6, userAgent === null ? noText : userAgent.length)
    view.setUint16(lengthsAt + 8, route.length)
    view.setUint16(lengthsAt + 10, requestId.length)
  } else {
    // Not read from what was written: the end of one text and the beginning of the next may have made a pair.
    end = textsAt
    for (const [i, each] of [endpoint, method, ipAddress, userAgent, route, requestId].entries()) {
      const written = each === null ? 0 : bytes.write(each, end)
      view.setUint16(lengthsAt + 2 * i, each === null ? noText : written)
      end += written
    }
  }
  view.setUint32(start + rowHead.bytesAt, end - start)
  setInt8(view, start + rowHead.keyIdAt, row.keyId)
  setInt8(view, start + rowHead.requestBytesAt, row.requestBytes)
  setInt8(view, start + rowHead.responseBytesAt, row.responseBytes)
  view.setFloat64(start + rowHead.createdAtMsAt, row.createdAtMs)
  view.setInt32(start + rowHead.statusCodeAt, row.statusCode)
  view.setInt32(start + rowHead.responseTimeMsAt, row.responseTimeMs)
  return end
}

/** A whole number that isn't negative. */
function setInt8 (view: DataView, at: number, value: number): void {
  view.setUint32(at, value < two32 ? 0 : Math.floor(value / two32))
  view.setUint32(at + 4, value)
}

export function keyIdAt (view: DataView, start: number): number {
  return view.getUint32(start + rowHead.keyIdAt) * two32 + view.getUint32(start + rowHead.keyIdAt + 4)
}
