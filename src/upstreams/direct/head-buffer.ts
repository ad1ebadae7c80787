import { statusLine } from './answer-head.ts'
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
  /** The lines that are complete, and the one that isn't. */
  #lines = ''
  #line = ''
  #isBehindReturn = false
  #isComplete = false
  /** Why this is no head; null: it may be. */
  fault: string | null = null

  constructor (names: HeaderNames, bytesMax: number) {
    this.#names = names
    this.#bytesMax = bytesMax
  }

  /** What is here of the head (latin1). */
  get text (): string {
    return this.#lines + this.#line
  }

  /** Whether the head is here, with the empty line behind it. */
  get isComplete (): boolean {
    return this.#isComplete
  }

  /** Takes the bytes from `at` on up to the end of the head. Returns where it stopped. */
  take (bytes: Buffer, at: number): number {
    const left = this.#bytesMax - this.#lines.length - this.#line.length
    const end = Math.min(bytes.length, at + left)
    let from = at
    while (at < end && !this.#isComplete && this.fault === null) {
      const byte = bytes[at++]!
      if ((byte === lineFeed) !== this.#isBehindReturn) this.fault = 'a bare CR or LF in the head'
      this.#isBehindReturn = byte === carriageReturn
      if (byte !== lineFeed || this.fault !== null) continue
      this.#endLine(this.#line + bytes.toString('latin1', from, at))
      from = at
    }
    this.#line += bytes.toString('latin1', from, at)
    if (this.#isComplete || this.fault !== null) return at
    if (this.#lines === '' && !isStatusLineStart(this.#line)) this.fault = 'an invalid status line'
    else if (at < bytes.length) this.fault = 'an endless head'
    return at
  }

  /** The complete head without its empty line (latin1); another one may come then. */
  release (): string {
    const head = this.#lines
    this.clear()
    return head
  }

  clear (): void {
    this.#lines = ''
    this.#line = ''
    this.#isBehindReturn = false
    this.#isComplete = false
    this.fault = null
  }

  #endLine (line: string): void {
    this.#line = ''
    if (line === '\r\n' && this.#lines !== '') {
      this.#isComplete = true
      return
    }
    if (this.#lines === '') this.fault = statusLine.test(line) ? null : 'an invalid status line'
    else if (this.#names.readLine(line) === null) this.fault = 'an invalid header line'
    this.#lines += line
  }
}

function isStatusLineStart (text: string): boolean {
  const known = text.slice(0, 9)
  return 'HTTP/1.1 '.startsWith(known) || 'HTTP/1.0 '.startsWith(known)
}
