import { randomFillSync } from 'node:crypto'

/** Of one trace context: a trace id of 16 bytes and a span id of 8. */
const idsBytes = 24
const poolSize = 256
const traceparentCharacters = 55

/** Makes W3C Trace Context ids, many at a time: one costs little more than cutting it out. */
export class TraceIds {
  readonly #bytes = Buffer.allocUnsafeSlow(idsBytes * poolSize)
  #pool = ''
  #used = 0

  /** A new trace, not sampled: the gateway records no spans, it only makes requests correlatable. */
  newTraceparent (): string {
    if (this.#used === this.#pool.length) this.#fill()
    const at = this.#used
    this.#used = at + traceparentCharacters
    return this.#pool.slice(at, this.#used)
  }

  #fill (): void {
    const hex = randomFillSync(this.#bytes).toString('hex')
    let pool = ''
    for (let at = 0; at < hex.length; at += 2 * idsBytes) pool += `00-${hex.slice(at, at + 32)}-${hex.slice(at + 32, at + 48)}-00`
    // In one piece, or each slice of it would have to find its own.
    this.#pool = Buffer.from(pool, 'latin1').toString('latin1')
    this.#used = 0
  }
}
