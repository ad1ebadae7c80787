import { randomFillSync } from 'node:crypto'
import { redactKeys } from '../keys/format.ts'

const uuidBytes = 16
const uuidCharacters = 36
const poolSize = 256
const validRequestId = /^[A-Za-z0-9._-]{1,128}$/
const validTraceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The ids of requests. Their random bytes are drawn many at a time. */
export class RequestIds {
  readonly #bytes = Buffer.allocUnsafeSlow(uuidBytes * poolSize)
  #pool = ''
  #used = 0

  /**
   * The client's own id when it is a sane one, else a fresh UUID. Never unique: clients may repeat theirs. It is
   * logged and stored, so a key that was put there by mistake isn't kept.
   */
  of (header: string | string[] | undefined): string {
    return typeof header === 'string' && validRequestId.test(header) && redactKeys(header) === header ? header : this.newId()
  }

  /** A UUID of version 4 (RFC 9562, 5.4). */
  newId (): string {
    if (this.#used === this.#pool.length) this.#fill()
    const at = this.#used
    this.#used = at + uuidCharacters
    return this.#pool.slice(at, this.#used)
  }

  #fill (): void {
    const bytes = randomFillSync(this.#bytes)
    for (let at = 0; at < bytes.length; at += uuidBytes) {
      bytes[at + 6] = (bytes[at + 6]! & 0x0f) | 0x40
      bytes[at + 8] = (bytes[at + 8]! & 0x3f) | 0x80
    }
    const hex = bytes.toString('hex')
    let pool = ''
    for (let at = 0; at < hex.length; at += 2 * uuidBytes) {
      pool += `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-${hex.slice(at + 12, at + 16)}-${hex.slice(at + 16, at + 20)}-${hex.slice(at + 20, at + 32)}`
    }
    // In one piece, or each slice of it would have to find its own.
    this.#pool = Buffer.from(pool, 'latin1').toString('latin1')
    this.#used = 0
  }
}

/** True for a `traceparent` that W3C Trace Context lets pass on as it is. */
export function isTraceparent (header: string | string[] | undefined): header is string {
  return typeof header === 'string' && validTraceparent.test(header)
}
