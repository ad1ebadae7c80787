import { createHash } from 'node:crypto'

/** Which part of a batch another one is made of. */
export type Part = 'first half' | 'second half' | 'deferred'

/**
 * The id of a batch made of a part of another: the same whenever and by whichever process it is made, so that what
 * was written of it is known. A UUID, version 8.
 */
export function derivedId (id: string, part: Part): string {
  const hash = createHash('sha256').update(`${id} ${part}`).digest()
  hash[6] = hash[6]! & 0x0f | 0x80
  hash[8] = hash[8]! & 0x3f | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
