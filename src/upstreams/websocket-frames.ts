const closeOpcode = 0x8

/**
 * Follows the frames (RFC 6455, 5.2) of one direction of a WebSocket, by their headers alone, to know where one ends:
 * only there can a frame of the gateway's own be put in.
 */
export class FrameTracker {
  /** Bytes of the header under way; 0 when none is. */
  #headerBytes = 0
  #headerBytesInAll = 0
  #lengthEnd = 0
  #opcode = 0
  #payloadBytes = 0
  #payloadBytesLeft = 0
  #hasClosed = false

  /** Whether nothing, or only whole frames, went by. */
  get isAtBoundary (): boolean {
    return this.#headerBytes === 0 && this.#payloadBytesLeft === 0
  }

  /** Whether a whole Close frame went by: none may follow it. */
  get hasClosed (): boolean {
    return this.#hasClosed
  }

  /** Takes bytes in. Returns how many: all of them, or with `stopsAtBoundary` those up to the first end of a frame. */
  take (bytes: Buffer, stopsAtBoundary = false): number {
    let taken = 0
    while (taken < bytes.length) {
      if (this.#payloadBytesLeft > 0) {
        const step = Math.min(this.#payloadBytesLeft, bytes.length - taken)
        this.#payloadBytesLeft -= step
        taken += step
      } else {
        this.#readHeader(bytes[taken++]!)
      }
      if (!this.isAtBoundary) continue
      if (this.#opcode === closeOpcode) this.#hasClosed = true
      if (stopsAtBoundary) break
    }
    return taken
  }

  #readHeader (byte: number): void {
    const index = this.#headerBytes++
    if (index === 0) {
      this.#opcode = byte & 0x0f
      return
    }
    if (index === 1) {
      const length = byte & 0x7f
      const lengthBytes = length === 127 ? 8 : length === 126 ? 2 : 0
      this.#lengthEnd = 2 + lengthBytes
      this.#headerBytesInAll = this.#lengthEnd + ((byte & 0x80) === 0 ? 0 : 4)
      this.#payloadBytes = lengthBytes === 0 ? length : 0
    } else if (index < this.#lengthEnd) {
      this.#payloadBytes = this.#payloadBytes * 256 + byte
    }
    if (this.#headerBytes < this.#headerBytesInAll) return
    this.#headerBytes = 0
    this.#payloadBytesLeft = this.#payloadBytes
  }
}

/**
 * A Close frame. A client's must be masked (RFC 6455, 5.3); a mask of zeros is one, and there is nothing to hide here.
 * `reason` is short ASCII.
 */
export function closeFrame (code: number, reason: string, { isMasked }: { readonly isMasked: boolean }): Buffer {
  const header = isMasked ? [0x80 | closeOpcode, 0x80 | (2 + reason.length), 0, 0, 0, 0] : [0x80 | closeOpcode, 2 + reason.length]
  return Buffer.concat([Buffer.from([...header, code >> 8, code & 0xff]), Buffer.from(reason, 'latin1')])
}
