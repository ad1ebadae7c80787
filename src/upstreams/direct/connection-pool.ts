import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { UpstreamConfig } from '../../config/config.ts'
import { UpstreamTimeoutError } from '../failure.ts'
import { openSocket } from '../open-socket.ts'
import type { PoolStats, TargetAddress, TargetPool } from '../target.ts'
import { type Carried, Connection, type ConnectionOwner, type ConnectionState } from './connection.ts'
import { HeaderNames } from './header-names.ts'
import { elapsedMsMax, type Sweep, type Swept } from './sweep.ts'

/** Connections that are being opened at a time: an upstream's backlog is short, and what overflows it is lost for a second. */
const connectingMax = 128

export interface ConnectionPoolOptions {
  readonly sweep: Sweep
  /** Shared by all connections: what was read is taken or copied before the next read. */
  readonly readBuffer: Buffer
}

/** What needs a connection. */
export interface Waiting extends Carried {
  /** Whether the wait for one has taken too long, of which `elapsedMs` is another part. */
  waitedForConnection (elapsedMs: number, timeoutMs: number): boolean
}

/**
 * The connections to one target. An exchange takes the one used last; where none is idle it waits, in turn, for one that
 * is being opened or that another has done with. There are as many as there were exchanges at a time, which their
 * upstream bounds.
 */
export class ConnectionPool implements TargetPool, ConnectionOwner, Swept {
  readonly address: TargetAddress
  readonly connectTimeoutMs: number
  readonly headerNames = new HeaderNames()
  readonly #options: ConnectionPoolOptions
  readonly #connections = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #waiting = new Set<Waiting>()
  #connecting = 0
  #secureContext: SecureContext | undefined
  #session: Buffer | undefined
  #onceDone: (() => void) | null = null
  #isClosing = false

  constructor (address: TargetAddress, { connectTimeoutMs }: Pick<UpstreamConfig, 'connectTimeoutMs'>, options: ConnectionPoolOptions) {
    this.address = address
    this.connectTimeoutMs = connectTimeoutMs
    this.#options = options
  }

  get readBuffer (): Buffer {
    return this.#options.readBuffer
  }

  /**
   * Gives the exchange a connection, now or later, or fails it. With `isAgain`, none that was idle: others may have gone
   * stale together with the one that failed.
   */
  take (exchange: Waiting, isAgain: boolean): void {
    const connection = isAgain ? undefined : this.#idle.pop()
    if (connection !== undefined) return connection.carry(exchange)
    this.#waiting.add(exchange)
    this.#openForWaiting()
  }

  /** An exchange that has got no connection yet needs none any more. */
  giveUp (exchange: Waiting): void {
    this.#waiting.delete(exchange)
    this.#settle()
  }

  stats (): PoolStats {
    const { size } = this.#connections
    return { connecting: this.#connecting, busy: size - this.#connecting - this.#idle.length, idle: this.#idle.length, waiting: this.#waiting.size }
  }

  sweep (elapsedMs: number): void {
    for (const exchange of this.#waiting) {
      if (!exchange.waitedForConnection(Math.min(elapsedMs, elapsedMsMax), this.connectTimeoutMs)) continue
      this.#waiting.delete(exchange)
      exchange.failed(new UpstreamTimeoutError('connect timeout', 'LATCHKEY_CONNECT_TIMEOUT'))
    }
    for (const connection of this.#connections) connection.sweep(elapsedMs)
    this.#openForWaiting()
  }

  async close (): Promise<void> {
    this.#isClosing = true
    for (const connection of [...this.#idle]) connection.destroy()
    await new Promise<void>(resolve => {
      this.#onceDone = resolve
      this.#settle()
    })
  }

  async destroy (): Promise<void> {
    this.#isClosing = true
    for (const exchange of [...this.#waiting]) exchange.failed(new Error('the upstream is closed'))
    for (const connection of [...this.#connections]) connection.lost(new Error('the upstream is closed'))
  }

  openSocket (onRead: (length: number) => boolean): Socket {
    if (this.address.isSecure) this.#secureContext ??= createSecureContext()
    const socket = openSocket(this.address, {
      onread: { buffer: this.#options.readBuffer, callback: onRead },
      secureContext: this.#secureContext,
      session: this.#session,
    })
    // Comes once the certificate was found to be good.
    if (this.address.isSecure) socket.on('session', (session: Buffer) => { this.#session = session })
    return socket
  }

  connected (): void {
    this.#connecting--
  }

  notConnected (err: Error): void {
    const [exchange] = this.#waiting
    if (exchange !== undefined) {
      this.#waiting.delete(exchange)
      exchange.failed(err)
    }
    this.#openForWaiting()
  }

  release (connection: Connection): void {
    if (this.#waiting.size > 0) {
      const [exchange] = this.#waiting
      this.#waiting.delete(exchange!)
      connection.carry(exchange!)
    } else {
      this.#idle.push(connection)
      if (this.#isClosing) connection.destroy()
    }
  }

  remove (connection: Connection, before: ConnectionState): void {
    this.#connections.delete(connection)
    if (before === 'connecting') this.#connecting--
    else if (before === 'idle') this.#idle.splice(this.#idle.indexOf(connection), 1)
    this.#settle()
  }

  #openForWaiting (): void {
    while (this.#connecting < connectingMax && this.#connecting < this.#waiting.size) {
      this.#connections.add(new Connection(this))
      this.#connecting++
      this.#options.sweep.add(this)
    }
  }

  #settle (): void {
    if (this.#connections.size > 0 || this.#waiting.size > 0) return
    this.#options.sweep.remove(this)
    this.#onceDone?.()
  }
}
