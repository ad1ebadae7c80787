import { randomFillSync } from 'node:crypto'

/** Of one trace context: a trace id of 16 bytes and a span id of 8. */
const hexDigits = 48
const poolBytes = 24 * 256

/** Makes W3C Trace Context ids. Random bytes are drawn many at a time: the call costs far more than the bytes. */
export class TraceIds {
  readonly #bytes = Buffer.allocUnsafeSlow(poolBytes)
  #hex = ''
  #used = 0

  /** A new trace, not sampled: the gateway records no spans, it only makes requests correlatable. */
  newTraceparent (): string {
    if (this.#used === this.#hex.length) {
      this.#hex = randomFillSync(this.#bytes).toString('hex')
      this.#used = 0
    }
    const at = this.#used
    this.#used = at + hexDigits
    return `00-${this.#hex.slice(at, at + 32)}-${this.#hex.slice(at + 32, at + hexDigits)}-00`
  }
}
