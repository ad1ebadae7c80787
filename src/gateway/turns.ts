import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that may wait before no more of it is read. What was read already comes on top. */
const waitingMax = 16

interface Line {
  isTaken: boolean
  /** No more is read of the connection. */
  isHeld: boolean
  isGuarded: boolean
  readonly waiting: (() => void)[]
}

/**
 * Lets the requests of a connection begin one after the other. node:http hands over every request that a client
 * pipelines at once, so that a single connection could occupy the upstreams with thousands of them; and requests with
 * side effects may not run side by side (RFC 9112, 9.3.2).
 */
export class Turns {
  readonly #lines = new WeakMap<Socket, Line>()

  /** Calls `begin` at once, or when the responses to all earlier requests of the connection have closed; never on a closed connection. */
  take (socket: Socket, response: ServerResponse, begin: () => void): void {
    let line = this.#lines.get(socket)
    if (line === undefined) {
      line = { isTaken: false, isHeld: false, isGuarded: false, waiting: [] }
      this.#lines.set(socket, line)
    }
    response.once('close', () => this.#next(socket, line))
    if (line.isTaken) {
      line.waiting.push(begin)
      if (line.waiting.length >= waitingMax && !line.isHeld) hold(socket, line)
      return
    }
    line.isTaken = true
    begin()
  }

  #next (socket: Socket, line: Line): void {
    line.isTaken = false
    if (socket.destroyed) {
      line.waiting.length = 0
      return
    }
    const begin = line.waiting.shift()
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
