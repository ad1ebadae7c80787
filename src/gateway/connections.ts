import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { AddressRanges } from '../config/address.ts'
import { type Client, peerOf } from './client.ts'
import { ConnectionRefusals } from './connection-refusals.ts'
import type { Identity } from './identity.ts'

export interface ConnectionsOptions {
  /** How long a connection may have nothing to do behind its last response. */
  readonly keepAliveTimeoutMs: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  /** Proxies: many clients come through one, so they have no bound of their own. */
  readonly trusted: AddressRanges
  /** How long a connection may take to send its first request, where only plain ones are read from it. */
  readonly headersTimeoutMs: number
  readonly logger: Logger
}

export interface Connection {
  readonly peer: Client
  readonly openedAtMs: number
  /** The last request that has begun. Of plain ones, only while it is under way: nothing of it is kept, least of all its key. */
  latest: Identity | null
  /** When the last plain request's response had closed, on performance.now()'s clock; null: there was none yet. */
  plainClosedAtMs: number | null
  /** Set while only plain requests have come; node:http doesn't know the connection. */
  plain: { readonly isIdle: boolean, letGo (bytes: null): void } | null
  /** Since when nothing had come when the connection was last looked at, and the bytes read by then. */
  idleSinceMs: number | null
  bytesRead: number
}

/** One that has had nothing to do for so long can make room for another. */
const idleMinMs = 1_000
/** Of all, closed at once to make room: looking for them costs a pass over all. */
export const roomShare = 0.01
export const lookEveryMs = 100
/** How late an idle connection may be ended, in shares of the time that it is given. */
const sweepShare = 0.1
const sweepEveryMs = { least: 50, most: 1_000 } as const

/** The clients' connections: how many, whose, and which of them could go. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #connections = new Map<Socket, Connection>()
  readonly #countByNetwork = new Map<string, number>()
  readonly #refusals: ConnectionRefusals
  #onSilent: (socket: Socket) => void = () => {}
  #closedForRoom = 0
  #lookedAtMs = -Infinity
  #idleMaxMs: number
  /** Since when that holds: a shorter time counts from its beginning. */
  #idleMaxSinceMs = -Infinity
  #sweep: NodeJS.Timeout | null = null

  constructor (options: ConnectionsOptions) {
    this.#options = options
    this.#idleMaxMs = options.keepAliveTimeoutMs
    this.#refusals = new ConnectionRefusals(options)
  }

  /** To be called before the server listens. `onSilent` is called with connections that node:http doesn't know and that sent nothing in time. */
  watch (server: Server, onSilent: (socket: Socket) => void = () => {}): void {
    this.#onSilent = onSilent
    // node:net closes what comes on top, before it costs anything, and tells by `drop`.
    server.maxConnections = this.#options.connectionsMax
    server.on('drop', () => {
      this.#refusals.count('total', this.#connections.size)
      // Whoever filled the last place may have come before anybody had been idle for long enough.
      this.#makeRoom()
    })
    server.prependListener('connection', socket => this.#take(socket))
    server.once('close', () => { if (this.#sweep !== null) clearInterval(this.#sweep) })
    this.endIdleAfter(this.#idleMaxMs)
  }

  /**
   * From now on. They are looked at together, a few times within that time: node:http would set two timers a request,
   * which is a twentieth of what a request costs.
   */
  endIdleAfter (idleMaxMs: number): void {
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#idleMaxMs = idleMaxMs
    this.#idleMaxSinceMs = performance.now()
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(Math.max(idleMaxMs * sweepShare, sweepEveryMs.least), sweepEveryMs.most)).unref()
  }

  of (socket: Socket): Connection {
    return this.#connections.get(socket) ?? this.#add(socket)
  }

  stats (): { readonly open: number, readonly refusedTotal: number, readonly refusedAddress: number, readonly closedForRoom: number } {
    return { open: this.#connections.size, ...this.#refusals.stats(), closedForRoom: this.#closedForRoom }
  }

  #take (socket: Socket): void {
    const { connectionsMax, connectionsPerAddressMax } = this.#options
    const { peer } = this.#add(socket)
    if (!peer.isForwarded && this.#countByNetwork.get(peer.network)! > connectionsPerAddressMax) {
      this.#refusals.count('address', this.#connections.size, peer.network)
      // Forgotten at once, not with the event: the place is free.
      this.#remove(socket)
      // A reset leaves nothing behind in this system's tables either.
      socket.resetAndDestroy()
    } else if (this.#connections.size >= connectionsMax) {
      this.#makeRoom()
    }
  }

  #add (socket: Socket): Connection {
    const peer = peerOf(socket, this.#options.trusted)
    const connection = { peer, openedAtMs: performance.now(), latest: null, plainClosedAtMs: null, plain: null, idleSinceMs: null, bytesRead: 0 }
    // A request can be handed over behind its connection's end: nothing is to be kept for that.
    if (socket.destroyed) return connection
    this.#connections.set(socket, connection)
    if (!peer.isForwarded) this.#countByNetwork.set(peer.network, (this.#countByNetwork.get(peer.network) ?? 0) + 1)
    socket.once('close', () => this.#remove(socket))
    return connection
  }

  #remove (socket: Socket): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) return
    this.#connections.delete(socket)
    const { network, isForwarded } = connection.peer
    if (isForwarded) return
    const left = this.#countByNetwork.get(network)! - 1
    if (left === 0) this.#countByNetwork.delete(network)
    else this.#countByNetwork.set(network, left)
  }

  /** What is in the midst of sending its next request isn't idle: its head has a time-out of its own, and is node:http's. */
  #endIdle (): void {
    const nowMs = performance.now()
    for (const [socket, connection] of this.#connections) {
      const sinceMs = closedAtMsOf(connection)
      if (sinceMs === null) {
        if (connection.latest === null && connection.plain !== null && nowMs - connection.openedAtMs >= this.#options.headersTimeoutMs) this.#onSilent(socket)
        continue
      }
      if (connection.idleSinceMs !== sinceMs) {
        connection.idleSinceMs = sinceMs
        connection.bytesRead = socket.bytesRead
      }
      if (nowMs - Math.max(sinceMs, this.#idleMaxSinceMs) >= this.#idleMaxMs && (connection.plain !== null || socket.bytesRead === connection.bytesRead)) socket.destroy()
    }
  }

  /** Those that node:http doesn't know, and so doesn't close with its own. */
  closeIdlePlain (): void {
    for (const [socket, { plain }] of this.#connections) if (plain?.isIdle === true) socket.destroy()
  }

  /** At the bound, those that have been idle for longest go, so that idle connections don't lock out new clients. */
  #makeRoom (): void {
    const nowMs = performance.now()
    if (nowMs - this.#lookedAtMs < lookEveryMs) return
    this.#lookedAtMs = nowMs
    this.closeIdle(Math.ceil(this.#options.connectionsMax * roomShare))
  }

  /** Those that have been idle for longest, and for a second at least. Costs a pass over all. */
  closeIdle (connectionsMax: number): void {
    const nowMs = performance.now()
    const idle: { readonly socket: Socket, readonly sinceMs: number }[] = []
    for (const [socket, connection] of this.#connections) {
      const isUnused = connection.latest === null && connection.plainClosedAtMs === null
      const sinceMs = isUnused ? connection.openedAtMs : closedAtMsOf(connection)
      if (sinceMs !== null && nowMs - sinceMs >= idleMinMs) idle.push({ socket, sinceMs })
    }
    idle.sort((one, other) => one.sinceMs - other.sinceMs)
    for (const { socket } of idle.slice(0, connectionsMax)) {
      this.#closedForRoom++
      socket.destroy()
    }
  }
}

/** Of the last response; null while one is under way, and before the first. */
function closedAtMsOf ({ latest, plainClosedAtMs }: Connection): number | null {
  return latest === null ? plainClosedAtMs : latest.closedAtMs
}
