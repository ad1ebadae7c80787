import type { HeaderNames } from './header-names.ts'

/** Of one chunk's size line with its extensions. */
const sizeLineBytesMax = 32_768
const trailerBytesMax = 16_384

const carriageReturn = 13
const lineFeed = 10
const quote = 34
const semicolon = 59
const equals = 61
const backslash = 92
const noDigit = -1

const tokenBytes = Uint8Array.from({ length: 256 }, (_, byte) => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? 1 : 0)

const sizeStart = 0
const size = 1
const extensionStart = 2
const extensionName = 3
const extensionValueStart = 4
const extensionValue = 5
const quoted = 6
const quotedPair = 7
const quotedEnd = 8
const sizeLineFeed = 9
const data = 10
const dataReturn = 11
const dataLineFeed = 12
const trailers = 13
const complete = 14

/** Takes the chunked coding (RFC 9112, 7.1) off a body, wherever its bytes are split. */
export class ChunkedBody {
  readonly #names: HeaderNames
  #state = sizeStart
  /** Of the chunk under way: its size while that is read, then the bytes left of it. */
  #chunkBytes = 0
  #lineBytes = 0
  #trailers = ''
  /** Whether a trailer speaks of the connection, which is too late to be heard by everybody. */
  isLastOnConnection = false
  /** Why the body can't be read; null: it can. */
  fault: string | null = null
  /** The bytes of the body that the last call of `take` found now lie here, in one piece. */
  start = 0
  end = 0

  constructor (names: HeaderNames) {
    this.#names = names
  }

  get isComplete (): boolean {
    return this.#state === complete
  }

  /** Before each body. */
  begin (): void {
    this.#state = sizeStart
    this.#trailers = ''
    this.isLastOnConnection = false
    this.fault = null
  }

  /**
   * Takes the bytes from `at` on, as far as they belong to the body, and returns where it stopped. Moves bytes together
   * within the buffer.
   */
  take (bytes: Buffer, at: number): number {
    const { length } = bytes
    this.start = this.end = at
    while (at < length) {
      if (this.#state === data) {
        const end = Math.min(at + this.#chunkBytes, length)
        this.#keep(bytes, at, end)
        this.#chunkBytes -= end - at
        at = end
        if (this.#chunkBytes === 0) this.#state = dataReturn
      } else if (this.#state === trailers) {
        this.#state = this.#stepTrailers(bytes[at++]!)
        if (this.#state === complete) return at
      } else {
        this.#state = this.#step(bytes[at++]!)
      }
      if (this.fault !== null) return at
    }
    return at
  }

  #keep (bytes: Buffer, from: number, to: number): void {
    if (this.start === this.end) this.start = from
    else if (this.end !== from) bytes.copyWithin(this.end, from, to)
    this.end = this.start === from ? to : this.end + (to - from)
  }

  #step (byte: number): number {
    switch (this.#state) {
      case sizeStart:
        this.#chunkBytes = digitOf(byte)
        this.#lineBytes = 1
        return this.#chunkBytes === noDigit ? this.#fail('an invalid chunk size') : size
      case size: return this.#stepSize(byte)
      case sizeLineFeed:
        if (byte !== lineFeed) return this.#fail('an invalid line of a chunk')
        return this.#chunkBytes === 0 ? trailers : data
      case dataReturn: return byte === carriageReturn ? dataLineFeed : this.#fail('a chunk longer than its size')
      case dataLineFeed: return byte === lineFeed ? sizeStart : this.#fail('a chunk longer than its size')
      default: return this.#stepExtension(byte)
    }
  }

  #stepSize (byte: number): number {
    const digit = digitOf(byte)
    if (++this.#lineBytes > sizeLineBytesMax) return this.#fail('an endless chunk size')
    if (digit !== noDigit) {
      this.#chunkBytes = this.#chunkBytes * 16 + digit
      return this.#chunkBytes > Number.MAX_SAFE_INTEGER ? this.#fail('an invalid chunk size') : size
    }
    if (byte === carriageReturn) return sizeLineFeed
    return byte === semicolon ? extensionStart : this.#fail('an invalid chunk size')
  }

  /** RFC 9112, 7.1.1, without the blanks that it calls bad. */
  #stepExtension (byte: number): number {
    if (++this.#lineBytes > sizeLineBytesMax) return this.#fail('endless chunk extensions')
    switch (this.#state) {
      case extensionStart:
        if (isTokenByte(byte)) return extensionName
        break
      case extensionName:
        if (isTokenByte(byte)) return extensionName
        if (byte === equals) return extensionValueStart
        if (byte === semicolon) return extensionStart
        if (byte === carriageReturn) return sizeLineFeed
        break
      case extensionValueStart:
        if (byte === quote) return quoted
        if (isTokenByte(byte)) return extensionValue
        break
      case extensionValue:
        if (isTokenByte(byte)) return extensionValue
        if (byte === semicolon) return extensionStart
        if (byte === carriageReturn) return sizeLineFeed
        break
      case quoted:
        if (byte === quote) return quotedEnd
        if (byte === backslash) return quotedPair
        if (isTextByte(byte)) return quoted
        break
      case quotedPair:
        if (isTextByte(byte)) return quoted
        break
      case quotedEnd:
        if (byte === semicolon) return extensionStart
        if (byte === carriageReturn) return sizeLineFeed
        break
    }
    return this.#fail('an invalid chunk extension')
  }

  /** Trailers are checked like headers, and dropped (RFC 9110, 6.5.1). */
  #stepTrailers (byte: number): number {
    const isBehindReturn = this.#trailers.endsWith('\r')
    if ((byte === lineFeed) !== isBehindReturn) return this.#fail('an invalid line break in a trailer')
    this.#trailers += String.fromCharCode(byte)
    if (this.#trailers.length > trailerBytesMax) return this.#fail('endless trailers')
    if (byte !== lineFeed || !(this.#trailers === '\r\n' || this.#trailers.endsWith('\r\n\r\n'))) return trailers
    for (let from = 0, to; (to = this.#trailers.indexOf('\r\n', from) + 2) - from > 2; from = to) {
      if (!this.#isTrailer(this.#trailers.slice(from, to))) return this.#fail('an invalid trailer')
    }
    return complete
  }

  #isTrailer (text: string): boolean {
    const kind = this.#names.readLine(text)?.name.kind
    if (kind === undefined || kind === 'content-length' || kind === 'transfer-encoding') return false
    if (kind === 'connection' || kind === 'proxy-connection') this.isLastOnConnection = true
    return true
  }

  #fail (fault: string): number {
    this.fault = fault
    return this.#state
  }
}

function digitOf (byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lowerCase = byte | 0x20
  return lowerCase >= 97 && lowerCase <= 102 ? lowerCase - 87 : noDigit
}

function isTokenByte (byte: number): boolean {
  return tokenBytes[byte] === 1
}

/** Of a quoted string (RFC 9110, 5.6.4). */
function isTextByte (byte: number): boolean {
  return byte === 9 || (byte >= 32 && byte !== 127)
}
