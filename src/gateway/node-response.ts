import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { ClientResponse, OutgoingHead } from '../upstreams/client-response.ts'
import { listedHeaders } from '../upstreams/header-lines.ts'

/** Undocumented, there since Node 0.4 and 10: the head until the first write, and what it says of keep-alive. */
type Raw = ServerResponse & { _header?: string, readonly _headerSent?: boolean, readonly _keepAliveTimeout?: number }

/** The answer to a request that node:http has read. */
export class NodeResponse implements ClientResponse {
  readonly raw: ServerResponse
  endsConnection = false
  bodyBytes = 0
  #onDrain: (() => void) | null = null

  constructor (raw: ServerResponse) {
    this.raw = raw
  }

  get statusCode (): number {
    return this.raw.statusCode
  }

  get headersSent (): boolean {
    return this.raw.headersSent
  }

  get isFinished (): boolean {
    return this.raw.writableFinished
  }

  get isDestroyed (): boolean {
    return this.raw.destroyed
  }

  get onDrain (): (() => void) | null {
    return this.#onDrain
  }

  set onDrain (listener: (() => void) | null) {
    if (this.#onDrain === null) this.raw.on('drain', () => this.#onDrain?.())
    this.#onDrain = listener
  }

  /**
   * Head and body go as one text: with end(body) the socket gets two, and joining those costs a quarter of what
   * node:http needs for an answer.
   */
  send (head: OutgoingHead, body: string): void {
    const { contentLength, isBodyless } = head
    const whole = isBodyless || contentLength !== null ? head : { ...head, contentLength: body.length }
    const raw: Raw = this.raw
    if (this.#isUsual(whole)) {
      raw.statusCode = whole.status
      raw._header = headText(whole, raw._keepAliveTimeout!)
    } else this.begin(whole)
    // node:http leaves the body out.
    const isHead = raw.req.method === 'HEAD'
    if (!isHead && !isBodyless) this.bodyBytes = body.length
    // node:http sends a head with an Expect, whatever that means in an answer, at once.
    if (isBodyless || body === '') raw.end()
    else if (isHead || typeof raw._header !== 'string' || raw._headerSent !== false) raw.end(body, 'latin1')
    else {
      raw._header += body
      raw.end()
    }
  }

  begin ({ status, lines, contentLength }: OutgoingHead): void {
    // Of an answer that another one takes the place of.
    for (const name of this.raw.getHeaderNames()) this.raw.removeHeader(name)
    const headers = listedHeaders(lines)
    // Behind a length, node:http would take Content-Disposition for UTF-8.
    if (contentLength !== null) headers.push('content-length', String(contentLength))
    if (this.endsConnection) headers.push('connection', 'close')
    this.raw.writeHead(status, headers)
  }

  flush (): void {
    this.raw.flushHeaders()
  }

  write (piece: Buffer | string, written?: (err?: Error | null) => void): boolean {
    this.bodyBytes += piece.length
    return typeof piece === 'string' ? this.raw.write(piece, 'latin1', written) : this.raw.write(piece, written)
  }

  end (): void {
    this.raw.end()
  }

  writeContinue (): void {
    this.raw.writeContinue()
  }

  destroy (): void {
    this.raw.destroy()
  }

  /** Whether node:http would change nothing of the head but say that the connection goes on. */
  #isUsual ({ hasDate }: OutgoingHead): boolean {
    const raw: Raw = this.raw
    return hasDate && !this.endsConnection && raw.shouldKeepAlive && raw.req.httpVersionMinor === 1 && raw._keepAliveTimeout !== undefined && !raw.headersSent
  }
}

/** What node:http would write. It checks every name and value once more, which costs as much as reading the answer did. */
function headText ({ status, lines, contentLength }: OutgoingHead, keepAliveMs: number): string {
  const length = contentLength === null ? '' : `content-length: ${contentLength}\r\n`
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n${lines}${length}Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`
}
