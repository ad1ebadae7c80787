const lastChunk = '\r\n0\r\n\r\n'

/**
 * Finds where the answers on a connection end, one at a time: what a load generator needs of HTTP/1.1, and no more.
 * `read` returns the status once an answer is complete, else 0. Throws on what it doesn't understand.
 */
export class AnswerReader {
  closes = false
  #status = 0
  #head = ''
  #leftBytes = 0
  #isChunked = false
  /** Of the body; the head's last line ends before the first chunk as the others do. */
  #tail = '\r\n'

  read (chunk: Buffer): number {
    if (this.#status !== 0) return this.#body(chunk, 0)
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return 0
    const head = this.#head.slice(0, end + 2).toLowerCase()
    const bodyFrom = end + 4 - (this.#head.length - chunk.length)
    this.#head = ''
    this.#status = Number(head.slice(9, 12))
    if (!head.startsWith('http/1.') || !(this.#status >= 200)) throw new Error(`not an answer: ${head.slice(0, 40)}`)
    this.closes = head.includes('\r\nconnection: close\r\n')
    this.#isChunked = head.includes('\r\ntransfer-encoding: chunked\r\n')
    const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1]
    if (length === undefined && !this.#isChunked) throw new Error('an answer without a length')
    this.#leftBytes = Number(length ?? 0)
    return this.#body(chunk, bodyFrom)
  }

  #body (chunk: Buffer, from: number): number {
    if (this.#isChunked) {
      this.#tail = (this.#tail + chunk.toString('latin1', Math.max(from, chunk.length - lastChunk.length))).slice(-lastChunk.length)
      // The bodies that are loaded hold no such bytes themselves.
      if (this.#tail !== lastChunk) return 0
    } else {
      this.#leftBytes -= chunk.length - from
      if (this.#leftBytes < 0) throw new Error('more than one answer')
      if (this.#leftBytes > 0) return 0
    }
    const status = this.#status
    this.#status = 0
    this.#tail = '\r\n'
    return status
  }
}
