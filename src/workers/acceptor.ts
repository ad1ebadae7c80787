import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AddressRanges } from '../config/address.ts'
import type { GatewayConfig, ListenerConfig } from '../config/config.ts'
import { peerOf } from '../gateway/client.ts'
import { ConnectionRefusals } from '../gateway/connection-refusals.ts'
import { lookEveryMs, roomShare } from '../gateway/connections.ts'
import type { Worker } from './worker.ts'

export interface AcceptorOptions {
  readonly config: Pick<GatewayConfig, 'connectionsMax' | 'connectionsPerAddressMax' | 'trustProxy'>
  /** Those that may take a connection now. */
  readonly workers: () => readonly Worker[]
  readonly logger: Logger
}

/** A connection that a worker hasn't accepted for so long may have been lost on its way. */
const missingAfterMs = 1_000

interface Seat {
  readonly connections: Map<number, { readonly network: string | null }>
  /** Handed over, and not yet accepted: nothing of it was read, so that another worker can have it. */
  pending: { readonly id: number, readonly socket: Socket, readonly sinceMs: number } | null
}

/**
 * The one listening socket. Each connection goes to the worker that has the fewest, and counts until that worker says
 * that it was closed: so the bounds hold for all workers together. Node passes one socket at a time to a process; the
 * others wait here, where another worker that has time takes them.
 */
export class Acceptor {
  readonly #options: AcceptorOptions
  readonly #server: Server
  readonly #trusted: AddressRanges
  readonly #refusals: ConnectionRefusals
  readonly #seats = new Map<Worker, Seat>()
  readonly #countByNetwork = new Map<string, number>()
  #waiting: { readonly socket: Socket, readonly network: string | null }[] = []
  #open = 0
  #lastId = 0
  #madeRoomAtMs = -Infinity
  #whenEmpty: (() => void) | null = null
  #ticker: NodeJS.Timeout | null = null

  constructor (options: AcceptorOptions) {
    this.#options = options
    this.#trusted = new AddressRanges(options.config.trustProxy)
    this.#refusals = new ConnectionRefusals({ ...options.config, logger: options.logger })
    this.#server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, socket => this.#take(socket))
  }

  async listen ({ host, port }: ListenerConfig): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        this.#ticker = setInterval(() => this.#lookForMissing(), missingAfterMs).unref()
        // Out of file descriptors, say: what can't be accepted now waits in the system's queue.
        this.#server.on('error', err => this.#options.logger.error({ err }, 'accepting connections failed'))
        resolve()
      })
    })
  }

  address (): AddressInfo | string | null {
    return this.#server.address()
  }

  accepted (worker: Worker, id: number): void {
    const seat = this.#seats.get(worker)
    if (seat?.pending?.id !== id) return
    seat.pending.socket.destroy()
    seat.pending = null
    this.distribute()
  }

  /** It never reached the worker. Another, or the same one again, gets it. */
  missed (worker: Worker, id: number): void {
    const seat = this.#seats.get(worker)
    if (seat?.pending?.id !== id) return
    this.#options.logger.error({ worker: worker.number, pid: worker.pid, remedy: 'raise the limit of open files' }, 'a connection could not be passed to a worker: most likely it is out of file descriptors')
    this.#takeBack(seat)
    this.distribute()
  }

  closed (worker: Worker, ids: readonly number[]): void {
    for (const id of ids) this.#forget(worker, id)
  }

  /** Of a worker that has ended. What it hadn't accepted goes to another. */
  ended (worker: Worker): void {
    const seat = this.#seats.get(worker)
    if (seat === undefined) return
    this.#takeBack(seat)
    for (const id of [...seat.connections.keys()]) this.#forget(worker, id)
    this.#seats.delete(worker)
    this.distribute()
  }

  /** To be called when a worker has become free or is new. */
  distribute (): void {
    while (this.#waiting.length > 0) {
      const worker = this.#freest()
      if (worker === null) return
      const { socket, network } = this.#waiting.shift()!
      // Left while it waited.
      if (socket.destroyed) {
        this.#uncount(network)
        continue
      }
      const seat = this.#seatOf(worker)
      // Another each time: an answer to an earlier try isn't taken for one to this.
      const id = ++this.#lastId
      seat.pending = { id, socket, sinceMs: performance.now() }
      seat.connections.set(id, { network })
      worker.handOver(id, socket)
    }
    if (this.#isEmpty) this.#whenEmpty?.()
  }

  stats (): { readonly open: number, readonly refusedTotal: number, readonly refusedAddress: number } {
    return { open: this.#open, ...this.#refusals.stats() }
  }

  /** Stops listening. Resolves when every connection that has arrived is a worker's, after `timeoutMs` at the latest. */
  async close (timeoutMs: number): Promise<void> {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    // Connections in the system's queue would be reset with the listener.
    await turn()
    if (this.#server.listening) this.#server.close()
    if (!this.#isEmpty) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#whenEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
  }

  get #isEmpty (): boolean {
    return this.#waiting.length === 0 && [...this.#seats.values()].every(({ pending }) => pending === null)
  }

  #take (socket: Socket): void {
    socket.on('error', () => {})
    // Otherwise Node keeps a list of the sockets that a server has passed on, and asks their processes about them.
    Object.assign(socket, { server: null })
    const { connectionsMax, connectionsPerAddressMax } = this.#options.config
    if (this.#open >= connectionsMax) {
      this.#refusals.count('total', this.#open)
      socket.destroy()
      return this.#makeRoom()
    }
    const peer = peerOf(socket, this.#trusted)
    const network = peer.isForwarded ? null : peer.network
    const ofNetwork = network === null ? 0 : this.#countByNetwork.get(network) ?? 0
    if (ofNetwork >= connectionsPerAddressMax) {
      this.#refusals.count('address', this.#open, peer.network)
      // A reset leaves nothing behind in this system's tables either.
      socket.resetAndDestroy()
      return
    }
    this.#open++
    if (network !== null) this.#countByNetwork.set(network, ofNetwork + 1)
    if (this.#open >= connectionsMax) this.#makeRoom()
    this.#waiting.push({ socket, network })
    this.distribute()
  }

  /** What a worker hadn't accepted. */
  #takeBack (seat: Seat): void {
    const { pending } = seat
    if (pending === null) return
    const { network } = seat.connections.get(pending.id)!
    seat.connections.delete(pending.id)
    seat.pending = null
    this.#waiting.unshift({ socket: pending.socket, network })
  }

  /** Asked for behind the connection, which is so known to have arrived or not, however late. */
  #lookForMissing (): void {
    const nowMs = performance.now()
    for (const [worker, { pending }] of this.#seats) {
      if (pending !== null && nowMs - pending.sinceMs >= missingAfterMs) worker.send({ type: 'hasArrived', id: pending.id })
    }
  }

  #seatOf (worker: Worker): Seat {
    let seat = this.#seats.get(worker)
    if (seat === undefined) this.#seats.set(worker, seat = { connections: new Map(), pending: null })
    return seat
  }

  #freest (): Worker | null {
    let freest: Worker | null = null
    let fewest = Infinity
    for (const worker of this.#options.workers()) {
      const { connections, pending } = this.#seatOf(worker)
      if (pending !== null || connections.size >= fewest) continue
      freest = worker
      fewest = connections.size
    }
    return freest
  }

  #forget (worker: Worker, id: number): void {
    const seat = this.#seats.get(worker)
    const connection = seat?.connections.get(id)
    if (connection === undefined) return
    seat!.connections.delete(id)
    this.#uncount(connection.network)
  }

  #uncount (network: string | null): void {
    this.#open--
    if (network === null) return
    const left = this.#countByNetwork.get(network)! - 1
    if (left === 0) this.#countByNetwork.delete(network)
    else this.#countByNetwork.set(network, left)
  }

  /** At the bound, each worker closes its share of those that have been idle for longest. */
  #makeRoom (): void {
    const nowMs = performance.now()
    if (nowMs - this.#madeRoomAtMs < lookEveryMs) return
    this.#madeRoomAtMs = nowMs
    const closing = Math.ceil(this.#options.config.connectionsMax * roomShare)
    const workers = this.#options.workers()
    for (const worker of workers) worker.send({ type: 'closeIdle', connectionsMax: Math.ceil(closing / workers.length) })
  }
}
