/** Fixed in Postgres' catalog. */
export const oids = { int8: 20, int4: 23, text: 25, float8: 701 } as const

/** Bytes of what is before each element: its length, an int4, or `nullLength`. */
export const elementLength = 4
export const nullLength = -1
export const firstElementAt = 20
const two32 = 2 ** 32

/**
 * Writes the head of an array of one dimension in Postgres' binary format, one element or more, and gives the place of
 * the first.
 */
export function beginArray (view: DataView, start: number, oid: number, elements: number): number {
  const dimensions = 1
  const mayHoldNulls = 1
  const firstIndex = 1
  view.setInt32(start, dimensions)
  view.setInt32(start + 4, mayHoldNulls)
  view.setInt32(start + 8, oid)
  view.setInt32(start + 12, elements)
  view.setInt32(start + 16, firstIndex)
  return start + firstElementAt
}

/** An int8[] of whole numbers that aren't negative. */
export function bigintArray (values: ReadonlySet<number>): Buffer {
  const array = Buffer.allocUnsafeSlow(firstElementAt + values.size * (elementLength + 8))
  const view = new DataView(array.buffer)
  let end = beginArray(view, 0, oids.int8, values.size)
  for (const value of values) {
    view.setInt32(end, 8)
    view.setUint32(end + 4, Math.floor(value / two32))
    view.setUint32(end + 8, value)
    end += 12
  }
  return array
}

/**
 * Copies short pieces faster than copy() and set(), which are calls out of the engine, and three times as fast as byte
 * by byte. Each view is of the same bytes as what is named before it.
 */
export function copyBytes (from: Uint8Array, fromView: DataView, fromAt: number, to: Uint8Array, toView: DataView, toAt: number, length: number): void {
  let i = 0
  for (; i + 8 <= length; i += 8) {
    toView.setInt32(toAt + i, fromView.getInt32(fromAt + i))
    toView.setInt32(toAt + i + 4, fromView.getInt32(fromAt + i + 4))
  }
  if (i + 4 <= length) {
    toView.setInt32(toAt + i, fromView.getInt32(fromAt + i))
    i += 4
  }
  for (; i < length; i++) to[toAt + i] = from[fromAt + i]!
}
