import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayConfig } from '../config/config.ts'
import { RequestTimeoutError, SendTimeoutError } from '../upstreams/failure.ts'
import type { RequestBody } from '../upstreams/forwarding.ts'
import type { Identity } from './identity.ts'
import type { Turns } from './turns.ts'

/** As in Kestrel. A byte now and then would hold an upstream's connection for ever. */
const bodyBytesPerSecondMin = 240
const sweepEveryMs = { least: 50, most: 1_000 } as const

/** A body under way. */
interface Upload {
  readonly body: RequestBody
  readonly socket: Socket
  readonly identity: Identity
  /** Of the socket, when it was last looked at. */
  bytesRead: number
  receivedBytes: number
  /** How long it was waited for, in all and since its last byte. Time in which the upstream doesn't read isn't counted. */
  waitedMs: number
  silentMs: number
}

/**
 * Gives up clients that don't send what they announced, or don't take what they asked for. Heads are node:http's
 * (server-options.ts), a first one that doesn't come is connections.ts's. Costs a request without a body nothing: uploads are looked at together, a few times within
 * `bodyTimeout`; for the other direction a socket has node's own timer, which fires when it has been idle, and on a plain
 * connection runs only while something waits.
 */
export class SlowClients {
  readonly #bodyTimeoutMs: number
  readonly #sweepEveryMs: number
  readonly #turns: Turns
  readonly #identityOf: (socket: Socket) => Identity | null
  readonly #uploads = new Set<Upload>()
  #timer: NodeJS.Timeout | null = null
  #sweptAtMs = 0

  /** `identityOf` is the last request that has begun on a connection. */
  constructor ({ bodyTimeoutMs }: Pick<GatewayConfig, 'bodyTimeoutMs'>, turns: Turns, identityOf: (socket: Socket) => Identity | null) {
    this.#bodyTimeoutMs = bodyTimeoutMs
    this.#sweepEveryMs = Math.min(Math.max(bodyTimeoutMs / 4, sweepEveryMs.least), sweepEveryMs.most)
    this.#turns = turns
    this.#identityOf = identityOf
  }

  watch (server: Server): void {
    // With a listener, node:http leaves it to us to close.
    server.on('timeout', socket => this.#idle(socket))
    server.once('close', () => this.#stop())
  }

  /** To be called for each request that begins. */
  expectBody (identity: Identity): void {
    const { body, request: { headers, complete, socket } } = identity
    if (complete || body === null || (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)) return
    // Behind a refusal, the rest is still read.
    this.#uploads.add({ body, socket, identity, bytesRead: socket.bytesRead, receivedBytes: 0, waitedMs: 0, silentMs: 0 })
    if (this.#timer !== null) return
    this.#sweptAtMs = performance.now()
    this.#timer = setInterval(() => this.#sweep(), this.#sweepEveryMs).unref()
  }

  /**
   * Neither side has moved for `sendTimeout`. Bytes that wait to be taken are the client's fault. A request whose answer
   * is still to come isn't: its upstream is slow, or its stream silent. Behind a response, `keepAliveTimeout` counts.
   */
  #idle (socket: Socket): void {
    const { response } = this.#turns.of(socket)
    // The first head has a time-out of its own.
    if (response === null || response.closed || socket.writableLength === 0) return
    const forwarding = this.#identityOf(socket)?.forwarding
    if (forwarding != null) forwarding.failure ??= new SendTimeoutError('the client stopped reading')
    socket.destroy()
  }

  #sweep (): void {
    const nowMs = performance.now()
    // Time in which this process itself was held up isn't the clients'.
    const elapsedMs = Math.min(nowMs - this.#sweptAtMs, this.#sweepEveryMs * 2)
    this.#sweptAtMs = nowMs
    for (const upload of this.#uploads) {
      if (upload.body.complete || upload.socket.destroyed) this.#uploads.delete(upload)
      else if (this.#isOverdue(upload, elapsedMs)) {
        this.#uploads.delete(upload)
        giveUp(upload)
      }
    }
    if (this.#uploads.size === 0) this.#stop()
  }

  #isOverdue (upload: Upload, elapsedMs: number): boolean {
    const { body, socket } = upload
    const bytes = socket.bytesRead - upload.bytesRead
    upload.bytesRead = socket.bytesRead
    upload.receivedBytes += bytes
    // Not asked for yet, or not taken: the upstream's own time-outs run.
    if (body.readableFlowing !== true || body.readableLength > 0) {
      upload.silentMs = 0
      return false
    }
    upload.waitedMs += elapsedMs
    upload.silentMs = bytes === 0 ? upload.silentMs + elapsedMs : 0
    if (upload.silentMs >= this.#bodyTimeoutMs) return true
    // A stream without an announced end may trickle for as long as it likes.
    if (body.headers['content-length'] === undefined || upload.waitedMs < this.#bodyTimeoutMs) return false
    return upload.receivedBytes < upload.waitedMs / 1000 * bodyBytesPerSecondMin
  }

  #stop (): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}

/** A request that is on its way is told so, by whoever forwards it; of one that was answered already, the rest is not waited for. */
function giveUp ({ socket, identity }: Upload): void {
  const { forwarding } = identity
  const failure = new RequestTimeoutError('the body stopped arriving')
  if (forwarding !== null && forwarding.abort !== null) forwarding.abort(failure)
  else socket.destroy()
}
