import { type AnswerHead, parseHead } from './answer-head.ts'
import { ChunkedBody } from './chunked-body.ts'
import { HeadBuffer } from './head-buffer.ts'
import type { HeaderNames } from './header-names.ts'

export interface ResponseHandler {
  onHead (head: AnswerHead): void
  /** At most once for each piece that was read. A view into that piece: valid during the call only. */
  onBody (bytes: Buffer): void
  /** The answer is complete. `isReusable`: the connection may carry another request, and nothing of what was read is left. */
  onEnd (isReusable: boolean): void
}

const headBytesMax = 16_384
/** Of all before one answer. They don't put off its time-out either. */
const interimBytesMax = 131_072

const idle = 0
const head = 1
const length = 2
const chunked = 3
const close = 4
const spent = 5
const nothing = Buffer.alloc(0)
/** Of a status in its line. */
const statusAt = 9
const one = 49
const headEnd = Buffer.from('\r\n\r\n')

/**
 * Reads the answers on one connection to an upstream (RFC 9112), as strictly as llhttp and then some: where they end
 * must be beyond doubt, or the connection is given up. One answer at a time, after `begin`; interim ones are left out.
 * Calls its handler only within `execute` and `finish`.
 */
export class ResponseParser {
  readonly #names: HeaderNames
  readonly #chunks: ChunkedBody
  readonly #held: HeadBuffer
  #state = idle
  #handler: ResponseHandler | null = null
  #isHead = false
  #bytesLeft = 0
  #isPersistent = false
  #interimBytes = 0

  /** `names`: shared by all connections to an upstream. */
  constructor (names: HeaderNames) {
    this.#names = names
    this.#chunks = new ChunkedBody(names)
    this.#held = new HeadBuffer(names, headBytesMax)
  }

  /** Before each request. Only on a new connection, or one whose last answer said that it is reusable. */
  begin (handler: ResponseHandler, isHead: boolean): void {
    this.#handler = handler
    this.#isHead = isHead
    this.#interimBytes = 0
    this.#held.clear()
    this.#state = head
  }

  /** Nothing is read any more, and the handler not called again: its connection is given up. */
  stop (): void {
    this.#state = spent
    this.#handler = null
  }

  /**
   * Takes what was read; may move bytes within it. Returns null, or why the connection must be closed at once and never
   * reused. An answer whose `onEnd` was called before is complete all the same.
   */
  execute (bytes: Buffer): string | null {
    let at = 0
    while (at < bytes.length) {
      const next = this.#step(bytes, at)
      if (typeof next === 'string') return this.#fail(next)
      at = next
    }
    return null
  }

  /** The other side has ended: completes an answer that ends with its connection, and is a fault anywhere else. */
  finish (): string | null {
    if (this.#state === close) {
      this.#end(nothing, 0)
      return null
    }
    return this.#fail(this.#state === head ? 'closed before the answer' : this.#state === idle ? 'closed while idle' : 'closed within the answer')
  }

  /** How far the bytes were taken, or what is wrong with them. */
  #step (bytes: Buffer, at: number): number | string {
    switch (this.#state) {
      case head: return this.#takeHead(bytes, at)
      case length: return this.#takeBody(bytes, at)
      case chunked: return this.#takeChunks(bytes, at)
      case close:
        this.#handler!.onBody(at === 0 ? bytes : bytes.subarray(at))
        return bytes.length
      default: return 'bytes that no request asked for'
    }
  }

  #takeHead (bytes: Buffer, at: number): number | string {
    let text: string
    let next: number
    const end = this.#held.text === '' ? bytes.indexOf(headEnd, at) : -1
    if (end !== -1) {
      next = end + headEnd.length
      if (next - at > headBytesMax) return 'an endless head'
      text = bytes.toString('latin1', at, end + 2)
    } else {
      next = this.#held.take(bytes, at)
      if (this.#held.fault !== null) return faultOf(this.#held.text, this.#held.fault)
      if (!this.#held.isComplete) return next
      text = this.#held.release()
    }
    const parsed = parseHead(text, this.#isHead, this.#names)
    if (typeof parsed === 'string') return faultOf(text, parsed)
    if (parsed.status < 200) return this.#skipInterim(parsed.status, text.length) ?? next
    return this.#begin(parsed, bytes, next)
  }

  #skipInterim (status: number, headBytes: number): string | null {
    this.#interimBytes += headBytes
    if (status === 101) return 'status 101'
    return this.#interimBytes > interimBytesMax ? 'endless interim answers' : null
  }

  #begin (answer: AnswerHead, bytes: Buffer, at: number): number {
    this.#isPersistent = answer.isPersistent
    this.#handler!.onHead(answer)
    if (this.#handler === null) return bytes.length
    switch (answer.framing) {
      case 'none': return this.#end(bytes, at)
      case 'close':
        this.#state = close
        return at
      case 'chunked':
        this.#chunks.begin()
        this.#state = chunked
        return at
      case 'length':
        this.#bytesLeft = answer.contentLength!
        this.#state = length
        return this.#bytesLeft === 0 ? this.#end(bytes, at) : at
    }
  }

  #takeBody (bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#bytesLeft)
    this.#bytesLeft -= end - at
    this.#handler!.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
    return this.#bytesLeft === 0 && this.#handler !== null ? this.#end(bytes, end) : end
  }

  #takeChunks (bytes: Buffer, at: number): number | string {
    const chunks = this.#chunks
    const next = chunks.take(bytes, at)
    if (chunks.end > chunks.start) this.#handler!.onBody(bytes.subarray(chunks.start, chunks.end))
    if (chunks.fault !== null) return chunks.fault
    if (!chunks.isComplete || this.#handler === null) return next
    if (chunks.isLastOnConnection) this.#isPersistent = false
    return this.#end(bytes, next)
  }

  #end (bytes: Buffer, at: number): number {
    const handler = this.#handler!
    const isReusable = this.#isPersistent && at === bytes.length
    this.#handler = null
    this.#state = isReusable ? idle : spent
    handler.onEnd(isReusable)
    if (!isReusable) this.#state = spent
    return at
  }

  #fail (fault: string): string {
    this.stop()
    return fault
  }
}

function faultOf (head: string, fault: string): string {
  return head.charCodeAt(statusAt) === one ? `${fault} (of an interim answer)` : fault
}
