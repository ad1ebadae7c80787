import type { Server as HttpServer } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Connections } from './connections.ts'
import type { OpenRequests } from './open-requests.ts'

export interface DrainOptions {
  /** How long idle connections stay open. A request that is on its way when we stop still gets its answer, with `Connection: close`. */
  readonly idleGraceMs: number
  /** After so long, event streams are broken off: most have no end of their own, and their clients reconnect. */
  readonly eventStreamsMs: number
  /** After so long, requests under way are broken off. */
  readonly deadlineMs: number
}

/** Ends a listener without failing a request. Made together with the server, since it has to know every connection. */
export class Drain {
  readonly #server: HttpServer
  readonly #connections: Connections
  readonly #openRequests: OpenRequests
  readonly #sockets = new Set<Socket>()

  constructor (server: HttpServer, connections: Connections, openRequests: OpenRequests) {
    this.#connections = connections
    this.#server = server
    this.#openRequests = openRequests
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /**
   * Stops accepting connections and waits until those that exist have ended. Resolves with the number of connections
   * that had to be broken off at the deadline. WebSockets are told at once that we go away.
   *
   * http.Server's own close() ends idle connections at once, and so fails requests that are already on the wire;
   * net.Server's only stops listening.
   */
  async run ({ idleGraceMs, eventStreamsMs, deadlineMs }: DrainOptions): Promise<number> {
    const server = this.#server
    // A connection whose answer began before the drain, and so without `Connection: close`, is left its own grace.
    this.#connections.endIdleAfter(idleGraceMs)
    this.#openRequests.goAway()
    // Both times, what has arrived is taken in first: connections in the backlog would be reset with the listener, and
    // a connection isn't idle when its next request waits to be read. A timer runs before the sockets are polled.
    await turn()
    const ended = this.#stopListening()
    if (await Promise.race([ended, delay(idleGraceMs, 'idle', { ref: false })]) === 'ended') return 0
    await turn()
    server.closeIdleConnections()
    this.#connections.closeIdlePlain()
    // To node:http, one that never sent anything is busy with its first request.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()

    if (await Promise.race([ended, delay(eventStreamsMs - idleGraceMs, 'streaming', { ref: false })]) === 'ended') return 0
    this.#openRequests.breakOffEventStreams()
    if (await Promise.race([ended, delay(deadlineMs - eventStreamsMs, 'busy', { ref: false })]) === 'ended') return 0
    const brokenOff = this.#sockets.size
    // Of those that were upgraded, node:http knows nothing.
    for (const socket of this.#sockets) socket.destroy()
    await ended
    return brokenOff
  }

  /** Resolves when the last connection has ended, and its request is recorded: the server's own `close` comes before its sockets'. */
  async #stopListening (): Promise<'ended'> {
    await new Promise(resolve => NetServer.prototype.close.call(this.#server, resolve))
    await Promise.all(Array.from(this.#sockets, async socket => await new Promise(resolve => socket.once('close', resolve))))
    return 'ended'
  }
}
