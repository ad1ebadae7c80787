/** For Date headers: the time in whole seconds, written once for each. */
export class HttpDate {
  #second = -1
  #text = ''

  /** IMF-fixdate (RFC 9110, 5.6.7). */
  at (nowMs: number): string {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(nowMs).toUTCString()
    }
    return this.#text
  }
}
