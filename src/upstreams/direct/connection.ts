import type { Socket } from 'node:net'
import { BadAnswerError, ConnectionLostError } from '../failure.ts'
import type { TargetAddress } from '../target.ts'
import type { HeaderNames } from './header-names.ts'
import { ResponseParser, type ResponseHandler } from './response-parser.ts'
import { elapsedMsMax, notWaited } from './sweep.ts'

/** Below what Node's own servers have: ours must go first, or a request meets a closing socket. */
const idleMsMax = 4_000
/** How much sooner than the upstream says that it closes. */
const idleMarginMs = 1_000

/** What a connection carries: one request, and its answer. */
export interface Carried extends ResponseHandler {
  readonly isHead: boolean
  /** What is waited for is the client's to do. */
  readonly waitsForClient: boolean
  /** Called once: is to send the request, on a connection that it has begun to read. */
  send (connection: Connection): void
  /** The socket takes more. */
  drained (): void
  /** All of a piece that was read was taken, and the answer isn't complete. */
  flush (): void
  /** For so long nothing has come from the upstream that was waited for. */
  waited (ms: number): void
  /** It has ended without an answer, or within one. */
  failed (err: unknown): void
}

/** Whom a connection belongs to. */
export interface ConnectionOwner {
  readonly address: TargetAddress
  readonly connectTimeoutMs: number
  readonly headerNames: HeaderNames
  readonly readBuffer: Buffer
  /** Opens a socket that reads into `readBuffer` and tells `onRead`, which returns false to stop that. */
  openSocket (onRead: (length: number) => boolean): Socket
  /** No longer connecting. */
  connected (): void
  /** Closed before it was one, and why. */
  notConnected (err: Error): void
  /** Idle. */
  release (connection: Connection): void
  /** Closed. */
  remove (connection: Connection, before: ConnectionState): void
}

export type ConnectionState = 'connecting' | 'idle' | 'busy' | 'closed'

/** One connection to an upstream: carries one exchange at a time. Any doubt about where an answer ends closes it. */
export class Connection {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #parser: ResponseParser
  #state: ConnectionState = 'connecting'
  #exchange: Carried | null = null
  #isPaused = false
  #isReusable = false
  #isAsked = false
  /** For the connection, the upstream's next piece, or the next exchange. */
  #waitedMs = notWaited
  #idleMs = idleMsMax

  constructor (owner: ConnectionOwner) {
    this.#owner = owner
    this.#parser = new ResponseParser(owner.headerNames)
    this.#socket = owner.openSocket(this.#read)
    this.#socket.once(owner.address.isSecure ? 'secureConnect' : 'connect', () => this.#connected())
    this.#socket.on('drain', () => this.#exchange?.drained())
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('error', err => this.lost(err))
    this.#socket.on('close', () => this.lost(new ConnectionLostError('other side closed')))
  }

  get socket (): Socket {
    return this.#socket
  }

  get state (): ConnectionState {
    return this.#state
  }

  /** Begins an exchange. Only on a connection that is idle. */
  carry (exchange: Carried): void {
    this.#state = 'busy'
    this.#exchange = exchange
    this.#waitedMs = notWaited
    this.#isAsked = false
    exchange.send(this)
  }

  /** To be called by its exchange when it sends its request: what has come until then is no answer to it. */
  ask (exchange: Carried): void {
    this.#isAsked = true
    this.#parser.begin(exchange, exchange.isHead)
  }

  /** To be called by its exchange, once it has no more to do with the connection, which goes on only where it is reusable. */
  finished (isReusable: boolean, keepAliveMs: number | null): void {
    this.#exchange = null
    // Its last piece may have been more than the client could take: what comes next is the next exchange's. TLS hands
    // over what it has decrypted even after it was told to stop, and stays stopped.
    this.resume()
    this.#isReusable = isReusable
    this.#idleMs = keepAliveMs === null ? idleMsMax : Math.min(idleMsMax, keepAliveMs - idleMarginMs)
  }

  /** To be called by its exchange when something has come or gone. */
  touch (): void {
    this.#waitedMs = notWaited
  }

  /** To be called by its exchange while it takes what was read: nothing more is read for now. */
  pause (): void {
    this.#isPaused = true
  }

  resume (): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#waitedMs = notWaited
    this.#socket.resume()
  }

  /** Without a word to its exchange. */
  destroy (): void {
    if (this.#state === 'closed') return
    const before = this.#state
    this.#state = 'closed'
    this.#exchange = null
    this.#parser.stop()
    this.#socket.destroy()
    this.#owner.remove(this, before)
  }

  /** Ends what was under way on the connection. `err` is null where nothing has failed. */
  lost (err: Error | null): void {
    if (this.#state === 'closed') return
    const wasConnecting = this.#state === 'connecting'
    const exchange = this.#exchange
    this.destroy()
    if (err === null) return
    if (wasConnecting) this.#owner.notConnected(err)
    else exchange?.failed(err)
  }

  sweep (elapsedMs: number): void {
    if (this.#state === 'idle') {
      this.#waitedMs += elapsedMs
      if (this.#waitedMs >= this.#idleMs) this.destroy()
      return
    }
    this.#waitedMs += Math.min(elapsedMs, elapsedMsMax)
    if (this.#state === 'connecting') {
      if (this.#waitedMs >= this.#owner.connectTimeoutMs) this.destroy()
    } else if (this.#isPaused || this.#exchange?.waitsForClient === true) {
      this.#waitedMs = notWaited
    } else {
      this.#exchange?.waited(this.#waitedMs)
    }
  }

  #connected (): void {
    if (this.#state !== 'connecting') return
    this.#owner.connected()
    this.#becomeIdle()
  }

  #becomeIdle (): void {
    this.#state = 'idle'
    this.#waitedMs = 0
    this.#owner.release(this)
  }

  /** False stops the reading. */
  readonly #read = (length: number): boolean => {
    try {
      const fault = this.#parser.execute(this.#owner.readBuffer.subarray(0, length))
      if (fault !== null) this.lost(this.#isAsked ? new BadAnswerError(fault) : new ConnectionLostError(fault))
      else if (this.#exchange !== null) this.#exchange.flush()
      else if (this.#state === 'busy') this.#release()
    } catch (err) {
      // What can't be passed on after all fails one request, not the process.
      this.lost(err as Error)
    }
    return !this.#isPaused
  }

  #release (): void {
    if (this.#isReusable && this.#idleMs > 0) this.#becomeIdle()
    else this.destroy()
  }

  #ended (): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting') return this.lost(new ConnectionLostError('other side closed before the connection was established'))
    try {
      const fault = this.#parser.finish()
      this.lost(fault === null ? null : new ConnectionLostError(`other side closed: ${fault}`))
    } catch (err) {
      this.lost(err as Error)
    }
  }
}
