import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientResponse, OutgoingHead } from '../../upstreams/client-response.ts'
import type { Outbox, Sender } from '../../upstreams/outbox.ts'
import type { HttpDate } from './http-date.ts'

export interface PlainResponseOptions {
  /** What each head says of a connection that goes on. */
  readonly keepAliveLines: string
  readonly date: HttpDate
  readonly outbox: Outbox
  /** How long the client may take nothing of what waits for it. */
  readonly sendTimeoutMs: number
}

const usualStatusLine = 'HTTP/1.1 200 OK\r\n'
const lastChunk = '0\r\n\r\n'

/** The answer to a plain request, straight to its socket. */
export class PlainResponse implements ClientResponse, Sender {
  statusCode = 200
  headersSent = false
  isFinished = false
  bodyBytes = 0
  /** Its end is on the way, too: all that it still needs is a client that takes it. */
  isWhole = false
  endsConnection = false
  onDrain: (() => void) | null = null
  readonly #socket: Socket
  readonly #isHead: boolean
  readonly #options: PlainResponseOptions
  /** Called with the error, or none, when all was handed to the system: at once, or later. */
  readonly #onSent: (err?: Error | null) => void
  #isChunked = false
  /** Written with the first piece. */
  #head = ''
  /** All of it, on its way out, and how much of that is its body. */
  #text = ''
  #textBodyBytes = 0

  constructor (socket: Socket, isHead: boolean, options: PlainResponseOptions, onSent: (err?: Error | null) => void) {
    this.#socket = socket
    this.#isHead = isHead
    this.#options = options
    this.#onSent = onSent
  }

  get isDestroyed (): boolean {
    return this.#socket.destroyed
  }

  send (head: OutgoingHead, body: string): void {
    this.isWhole = true
    const hasBody = !this.#isHead && !head.isBodyless
    const text = this.#headText(head, head.contentLength ?? (head.isBodyless ? null : body.length))
    this.#text = hasBody ? text + body : text
    this.#textBodyBytes = hasBody ? body.length : 0
    this.#options.outbox.add(this)
  }

  sendNow (): void {
    if (this.#socket.destroyed) return
    this.#socket.write(this.#text, 'latin1')
    this.bodyBytes = this.#textBodyBytes
    this.#text = ''
    this.#ended()
  }

  begin (head: OutgoingHead): void {
    this.#isChunked = head.contentLength === null && !head.isBodyless && !this.#isHead
    this.#head = this.#headText(head, head.contentLength)
  }

  flush (): void {
    const head = this.#head
    this.#head = ''
    if (head === '') return
    this.#socket.write(head, 'latin1')
    this.#watch()
  }

  write (piece: Buffer | string, written?: (err?: Error | null) => void): boolean {
    const before = this.#isChunked ? `${this.#head}${piece.length.toString(16)}\r\n` : this.#head
    const after = this.#isChunked ? '\r\n' : ''
    this.#head = ''
    this.bodyBytes += piece.length
    const hasRoom = typeof piece === 'string' ? this.#socket.write(before + piece + after, 'latin1', written) : this.#writeBytes(before, piece, after, written)
    this.#watch()
    return hasRoom
  }

  end (): void {
    this.isWhole = true
    const rest = this.#isChunked ? this.#head + lastChunk : this.#head
    this.#head = ''
    if (rest !== '') this.#socket.write(rest, 'latin1')
    this.#ended()
  }

  writeContinue (): void {
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #writeBytes (before: string, bytes: Buffer, after: string, written?: (err?: Error | null) => void): boolean {
    const socket = this.#socket
    if (before === '') return socket.write(bytes, written)
    socket.cork()
    socket.write(before, 'latin1')
    let hasRoom = socket.write(bytes, written)
    if (after !== '') hasRoom = socket.write(after, 'latin1')
    socket.uncork()
    return hasRoom
  }

  /** Without a callback to the last write where the system has taken everything: node:net calls it a tick later. */
  #ended (): void {
    const socket = this.#socket
    if (socket.writableLength === 0 && socket.errored === null && !socket.destroyed) return this.#onSent()
    this.#watch()
    // An empty write ends when those before it have.
    socket.write('', 'latin1', this.#onSent)
  }

  /** As a rule the system has taken everything by now. */
  #watch (): void {
    if (this.#socket.writableLength > 0) this.#socket.setTimeout(this.#options.sendTimeoutMs)
  }

  #headText ({ status, lines, hasDate }: OutgoingHead, contentLength: number | null): string {
    this.statusCode = status
    this.headersSent = true
    const { keepAliveLines, date } = this.#options
    const statusLine = status === 200 ? usualStatusLine : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
    const dateLine = hasDate ? '' : `date: ${date.at(Date.now())}\r\n`
    const framing = contentLength !== null ? `content-length: ${contentLength}\r\n` : this.#isChunked ? 'transfer-encoding: chunked\r\n' : ''
    return `${statusLine}${lines}${dateLine}${framing}${this.endsConnection ? 'connection: close\r\n' : keepAliveLines}\r\n`
  }
}
