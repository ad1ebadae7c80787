import type { Socket } from 'node:net'
import { SendTimeoutError } from '../../upstreams/failure.ts'
import type { Connection } from '../connections.ts'
import { probe, probeLater } from '../half-close.ts'
import type { Identity } from '../identity.ts'
import type { PlainBody } from './plain-body.ts'
import type { PlainRequest } from './plain-request.ts'
import { PlainResponse, type PlainResponseOptions } from './plain-response.ts'
import type { RequestReader } from './request-reader.ts'

export interface PlainConnectionOptions extends PlainResponseOptions {
  readonly reader: RequestReader
  accept (request: PlainRequest, response: PlainResponse, connection: Connection): Identity
  begin (identity: Identity): void
  /** Its response has closed. */
  closed (identity: Identity): void
  /** To node:http, for good: what comes next isn't plain. */
  handOver (socket: Socket): void
}

/**
 * A client's connection for as long as nothing but plain requests come on it, one at a time: what is read before a
 * response has closed stays in the socket, and is then node:http's.
 */
export class PlainConnection {
  readonly #socket: Socket
  readonly #connection: Connection
  readonly #options: PlainConnectionOptions
  /** The request under way. */
  #identity: Identity | null = null
  #response: PlainResponse | null = null
  /** Of the last request, until all of it has come and its response has closed: from either on, it belongs to nobody. */
  #body: PlainBody | null = null
  /** A request came while another was under way: from then on there may be any number, and node:http bounds them. */
  #isPipelined = false

  constructor (socket: Socket, connection: Connection, options: PlainConnectionOptions) {
    this.#socket = socket
    this.#connection = connection
    this.#options = options
    socket.on('data', this.#read)
    socket.on('end', this.#ended)
    socket.on('drain', this.#drained)
    socket.on('timeout', this.#timedOut)
    socket.on('error', this.#failed)
    socket.on('close', this.#closed)
  }

  /** Nothing is under way. */
  get isIdle (): boolean {
    return this.#identity === null
  }

  /** Gives the connection to node:http, with what was read of it and not taken. To be called while it is idle. */
  letGo (bytes: Buffer | null): void {
    const socket = this.#socket
    socket.off('data', this.#read).off('end', this.#ended).off('drain', this.#drained).off('timeout', this.#timedOut).off('error', this.#failed).off('close', this.#closed)
    socket.setTimeout(0)
    socket.pause()
    if (bytes !== null) socket.unshift(bytes)
    this.#connection.plain = null
    this.#options.handOver(socket)
    socket.resume()
  }

  readonly #read = (bytes: Buffer): void => {
    let rest = bytes
    if (this.#body !== null && !this.#body.complete) {
      const taken = this.#body.feed(bytes)
      if (this.#body.complete && this.#identity === null) this.#body = null
      if (taken === bytes.length) return
      rest = bytes.subarray(taken)
    }
    if (this.#identity === null) return this.#take(rest)
    if (!this.#isPipelined) probeLater(this.#response!)
    this.#isPipelined = true
    this.#socket.pause()
    this.#socket.unshift(rest)
  }

  #take (bytes: Buffer): void {
    const { reader } = this.#options
    const request = this.#isPipelined ? null : reader.read(bytes, this.#socket)
    if (request === null) return this.letGo(bytes)
    const { body } = request
    this.#body = body
    if (body !== null && bytes.length > reader.headBytes) body.feed(bytes.subarray(reader.headBytes))
    this.#response = new PlainResponse(this.#socket, request.method === 'HEAD', this.#options, this.#sent)
    this.#identity = this.#options.accept(request, this.#response, this.#connection)
    this.#options.begin(this.#identity)
  }

  readonly #sent = (err?: Error | null): void => {
    // The connection's end follows.
    if (err != null || this.#socket.destroyed) return
    const response = this.#response!
    const identity = this.#identity!
    response.isFinished = true
    if (this.#socket.timeout !== 0) this.#socket.setTimeout(0)
    this.#identity = null
    this.#response = null
    this.#options.closed(identity)
    this.#connection.latest = null
    this.#connection.plainClosedAtMs = identity.closedAtMs
    if (response.endsConnection) {
      // What is read until it has ended (RFC 9112, 9.6) isn't looked at.
      this.#socket.off('data', this.#read)
      return this.#socket.destroySoon()
    }
    if (this.#socket.readableEnded) this.#socket.end()
    if (this.#body?.complete === true) this.#body = null
    this.#body?.resume()
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  readonly #drained = (): void => {
    this.#socket.setTimeout(0)
    this.#response?.onDrain?.()
  }

  /** Neither side has moved for `sendTimeout`. */
  readonly #timedOut = (): void => {
    if (this.#socket.writableLength === 0) return
    const forwarding = this.#identity?.forwarding
    if (forwarding != null) forwarding.failure ??= new SendTimeoutError('the client stopped reading')
    this.#socket.destroy()
  }

  /** The client has ended its side. */
  readonly #ended = (): void => {
    if (this.#response?.isWhole === true) return
    // In the midst of a body, or of an answer, it has gone.
    if ((this.#body !== null && !this.#body.complete) || this.#response?.headersSent === true) {
      this.#socket.destroy()
    } else if (this.#response === null) {
      this.#socket.end()
    } else {
      this.#response.endsConnection = true
      probe(this.#response)
    }
  }

  readonly #failed = (): void => { this.#socket.destroy() }

  readonly #closed = (): void => {
    const identity = this.#identity
    this.#identity = null
    this.#response = null
    if (identity !== null) this.#options.closed(identity)
  }
}
