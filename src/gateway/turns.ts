import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that may wait before no more of it is read. What was read already comes on top. */
const waitingMax = 16
/**
 * Requests of all connections that may wait; over it, those of a connection that has its share already end with it. A
 * single piece read holds thousands of requests that are short, and each costs a hundred times its bytes until its turn.
 */
const waitingInAllDefaultMax = 50_000

interface Line {
  isTaken: boolean
  /** No more is read of the connection. */
  isHeld: boolean
  isGuarded: boolean
  /** The response whose turn it is, or was last. */
  response: ServerResponse | null
  /** The response to the request that arrived last. */
  latest: ServerResponse | null
  readonly waiting: (() => void)[]
}

/**
 * Lets the requests of a connection begin one after the other. node:http hands over every request that a client
 * pipelines at once, so that a single connection could occupy the upstreams with thousands of them; and requests with
 * side effects may not run side by side (RFC 9112, 9.3.2).
 */
export class Turns {
  readonly #lines = new WeakMap<Socket, Line>()
  readonly #waitingInAllMax: number
  readonly #onOverflow: () => void
  #waitingInAll = 0

  constructor ({ waitingInAllMax = waitingInAllDefaultMax, onOverflow = () => {} }: { readonly waitingInAllMax?: number, readonly onOverflow?: () => void } = {}) {
    this.#waitingInAllMax = waitingInAllMax
    this.#onOverflow = onOverflow
  }

  /**
   * Calls `begin` at once, or when the responses to all earlier requests of the connection have closed; never on a closed
   * connection. Calls `end` when the response has closed, before the next begins. Ends the connection, and tells by
   * `onOverflow`, where too many wait.
   */
  take (socket: Socket, response: ServerResponse, begin: () => void, end: () => void): void {
    const line = this.#lineOf(socket)
    line.latest = response
    response.once('close', () => {
      end()
      this.#next(socket, line)
    })
    if (line.isTaken) {
      // What was read together with the request at which the connection was given up.
      if (socket.destroyed) return
      this.#wait(line, () => {
        line.response = response
        begin()
      })
      if (line.waiting.length > waitingMax && this.#waitingInAll > this.#waitingInAllMax) {
        this.#onOverflow()
        socket.destroy()
        return
      }
      if (line.waiting.length >= waitingMax && !line.isHeld) hold(socket, line)
      return
    }
    line.isTaken = true
    line.response = response
    begin()
  }

  /**
   * Of a connection that node:http has let go of for an upgrade, its last request: calls `begin` at once, or when the
   * responses to all earlier requests have closed; `begin` then takes the turn. Until then the socket isn't read here.
   */
  takeLast (socket: Socket, begin: () => void): void {
    const line = this.#lineOf(socket)
    line.isHeld = false
    // As node:http did until now: a response under way would stop at its first full buffer.
    socket.on('drain', () => { if (line.response?.writableEnded === false) line.response.emit('drain') })
    if (!line.isTaken) return begin()
    this.#wait(line, () => {
      line.isTaken = false
      begin()
    })
  }

  /** Calls `begin` at once, or when all responses have closed. To be used where no more of the connection is read as requests. */
  whenFree (socket: Socket, begin: () => void): void {
    const line = this.#lineOf(socket)
    if (line.isTaken) this.#wait(line, begin)
    else begin()
  }

  /** The response whose turn it is on a connection, and that to the request which arrived last; either may have closed. */
  of (socket: Socket): { readonly response: ServerResponse | null, readonly latest: ServerResponse | null } {
    return this.#lineOf(socket)
  }

  #lineOf (socket: Socket): Line {
    let line = this.#lines.get(socket)
    if (line === undefined) {
      line = { isTaken: false, isHeld: false, isGuarded: false, response: null, latest: null, waiting: [] }
      this.#lines.set(socket, line)
    }
    return line
  }

  #wait (line: Line, begin: () => void): void {
    line.waiting.push(begin)
    this.#waitingInAll++
  }

  #next (socket: Socket, line: Line): void {
    line.isTaken = false
    if (socket.destroyed) {
      this.#waitingInAll -= line.waiting.length
      line.waiting.length = 0
      return
    }
    const begin = line.waiting.shift()
    if (begin !== undefined) this.#waitingInAll--
    if (line.isHeld && line.waiting.length < waitingMax) {
      line.isHeld = false
      socket.resume()
    }
    if (begin === undefined) return
    line.isTaken = true
    begin()
  }
}

/** node:http resumes the socket with each message that is complete or read, after which it is paused anew. */
function hold (socket: Socket, line: Line): void {
  const pause = (): void => { if (line.isHeld) socket.pause() }
  line.isHeld = true
  // Behind the messages of this piece, and before the next piece is read.
  queueMicrotask(pause)
  if (line.isGuarded) return
  line.isGuarded = true
  socket.on('resume', pause)
}
