import type { HeaderNames } from './header-names.ts'

const carriageReturn = 13
const lineFeed = 10

/**
 * Holds a head that arrives in pieces. What can't become one is refused as soon as that shows, or an upstream that
 * sends nonsense and waits would be answered for by a time-out.
 */
export class HeadBuffer {
  readonly #names: HeaderNames
  readonly #bytesMax: number
  #text = ''
  #lineStart = 0
  #isBehindReturn = false
  #isComplete = false
  /** Why this is no head; null: it may be. */
  fault: string | null = null

  constructor (names: HeaderNames, bytesMax: number) {
    this.#names = names
    this.#bytesMax = bytesMax
  }

  get isEmpty (): boolean {
    return this.#text === ''
  }

  /** Whether the head is here, with the empty line behind it. */
  get isComplete (): boolean {
    return this.#isComplete
  }

  /** Takes the bytes from `at` on up to the end of the head. Returns where it stopped. */
  take (bytes: Buffer, at: number): number {
    let from = at
    while (at < bytes.length && !this.#isComplete) {
      const byte = bytes[at++]!
      if ((byte === lineFeed) !== this.#isBehindReturn) return this.#fail('a bare CR or LF in the head', at)
      this.#isBehindReturn = byte === carriageReturn
      if (byte !== lineFeed) continue
      this.#text += bytes.toString('latin1', from, at)
      from = at
      this.#endLine()
    }
    this.#text += bytes.toString('latin1', from, at)
    if (this.#lineStart === 0 && !isStatusLineStart(this.#text)) return this.#fail('no HTTP/1 status line', at)
    if (this.#text.length > this.#bytesMax) return this.#fail('an endless head', at)
    return at
  }

  /** The complete head without its empty line (latin1); another one may come then. */
  release (): string {
    const head = this.#text.slice(0, -2)
    this.clear()
    return head
  }

  clear (): void {
    this.#text = ''
    this.#lineStart = 0
    this.#isBehindReturn = false
    this.#isComplete = false
    this.fault = null
  }

  #endLine (): void {
    const start = this.#lineStart
    this.#lineStart = this.#text.length
    if (start === 0) return
    const line = this.#text.slice(start)
    if (line === '\r\n') this.#isComplete = true
    else if (this.#names.readLine(line) === null) this.fault = 'an invalid header line'
  }

  #fail (fault: string, at: number): number {
    this.fault = fault
    return at
  }
}

function isStatusLineStart (text: string): boolean {
  const known = text.slice(0, 9)
  return 'HTTP/1.1 '.startsWith(known) || 'HTTP/1.0 '.startsWith(known)
}
