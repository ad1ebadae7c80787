import type { ClientResponse } from '../client-response.ts'

/** As much as is read at a time. */
const bufferBytes = 65_536
/** Below, a fresh buffer costs no more than the copy itself. */
const recycledBytesMin = 8_192
const freeMax = 64

/**
 * Copies of what was read, which is written later than the next read overwrites it. Fresh memory costs several times
 * what copying into used memory does, so large copies use buffers whose bytes have gone out.
 */
export class Copies {
  readonly #free: Buffer[] = []

  /** Writes a copy of the bytes. False where the client should take what was written before there is more. */
  write (response: ClientResponse, bytes: Buffer): boolean {
    const { length } = bytes
    if (length < recycledBytesMin || length > bufferBytes) return response.write(Buffer.from(bytes))
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
    bytes.copy(buffer)
    let isInUse = true
    return response.write(buffer.subarray(0, length), err => {
      // Used again only where it is beyond doubt that nobody will look at these bytes any more.
      if (err == null && isInUse && this.#free.length < freeMax) this.#free.push(buffer)
      isInUse = false
    })
  }
}
