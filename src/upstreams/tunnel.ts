import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { closeFrame, FrameTracker } from './websocket-frames.ts'

/** How a tunnel is ended by the gateway. */
export interface TunnelEnd {
  /** Close code and reason (short ASCII) for the client. The upstream is always told 1001. */
  readonly code: number
  readonly reason: string
  /** How long the client has to answer the Close frame, and a frame that is under way to end. */
  readonly graceMs: number
  /** Whether bytes of the client still pass until a frame of its own ends; else none does any more. */
  readonly letsFrameEnd: boolean
}

export interface TunnelOptions {
  readonly client: Socket
  readonly upstream: Socket
  /** For how long a tunnel of which one side has ended may be silent. Open ones may be silent for ever. */
  readonly halfOpenIdleMs: number
}

const goingAway = 1001

/**
 * Joins the two sockets of a WebSocket: every byte passes as it is, with back-pressure, and either side may end before
 * the other. The bytes are followed frame by frame only so that a Close frame can be put in when the gateway ends it.
 */
export class Tunnel {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #toClient: Direction
  readonly #toUpstream: Direction
  #grace: NodeJS.Timeout | null = null

  constructor ({ client, upstream, halfOpenIdleMs }: TunnelOptions) {
    this.#client = client
    this.#upstream = upstream
    this.#toClient = new Direction(upstream, client)
    this.#toUpstream = new Direction(client, upstream)
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.once('end', () => {
        socket.setTimeout(halfOpenIdleMs, () => this.destroy())
        other.setTimeout(halfOpenIdleMs, () => this.destroy())
      })
      socket.once('close', () => {
        // The client has the whole grace to take its Close frame.
        if (socket === upstream && this.#grace !== null) return
        // After an orderly end, what was written to the other side is still on its way.
        if (!socket.readableEnded || !other.writableEnded) other.destroy()
        if (this.#grace !== null) clearTimeout(this.#grace)
      })
    }
    // What was lost before there was anybody to see it.
    if (client.destroyed || upstream.destroyed) this.destroy()
  }

  /** All that passed, frames and their headers; not what the gateway itself said. */
  get bytesToClient (): number {
    return this.#toClient.bytes
  }

  get bytesToUpstream (): number {
    return this.#toUpstream.bytes
  }

  /** Ends both sides with Close frames as soon as no other frame is under way; what still stands after the grace is destroyed. */
  end ({ code, reason, graceMs, letsFrameEnd }: TunnelEnd): void {
    if (this.#grace !== null || this.#client.destroyed) return
    this.#grace = setTimeout(() => this.destroy(), graceMs)
    this.#toClient.cut(closeFrame(code, reason, { isMasked: false }), true)
    this.#toUpstream.cut(closeFrame(goingAway, '', { isMasked: true }), letsFrameEnd)
    // Both have said all: the answer of either closes its side.
    this.#toUpstream.onClose(() => this.#client.end())
    this.#toClient.onClose(() => this.#upstream.end())
  }

  destroy (): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }
}

class Direction {
  /** That passed. */
  bytes = 0
  readonly #from: Duplex
  readonly #to: Duplex
  readonly #frames = new FrameTracker()
  /** What is sent at the end of the frame under way, as the last; null while all passes. */
  #last: Buffer | null = null
  #isCut = false
  #onClose: (() => void) | null = null

  constructor (from: Duplex, to: Duplex) {
    this.#from = from
    this.#to = to
    from.on('data', (bytes: Buffer) => this.#pass(bytes))
    from.once('end', () => {
      if (!this.#isCut) to.end()
      this.#onClose?.()
    })
    to.on('drain', () => from.resume())
    from.resume()
  }

  /** No frame passes any more, but that under way if `letsFrameEnd`; then `last` follows, unless a Close frame was the last already. */
  cut (last: Buffer, letsFrameEnd: boolean): void {
    if (this.#frames.isAtBoundary) {
      if (!this.#frames.hasClosed && this.#to.writable) this.#to.write(last)
    } else if (letsFrameEnd) {
      this.#last = last
      this.#from.resume()
      return
    } else {
      this.#to.end()
    }
    this.#isCut = true
    this.#from.resume()
  }

  /** Calls back once a Close frame has come this way, and everything after it is thrown away; at once when it has. */
  onClose (callback: () => void): void {
    if (this.#frames.hasClosed || this.#from.readableEnded) callback()
    else this.#onClose = callback
  }

  #pass (bytes: Buffer): void {
    if (!this.#isCut) {
      const taken = this.#frames.take(bytes, this.#last !== null)
      const passed = taken === bytes.length ? bytes : bytes.subarray(0, taken)
      this.bytes += passed.length
      const hasRoom = this.#to.write(passed)
      if (this.#last !== null && this.#frames.isAtBoundary) this.#finish(bytes.subarray(taken))
      else if (!hasRoom) this.#from.pause()
    } else {
      this.#frames.take(bytes)
    }
    if (this.#onClose !== null && this.#frames.hasClosed) {
      this.#onClose()
      this.#onClose = null
    }
  }

  #finish (rest: Buffer): void {
    if (!this.#frames.hasClosed) this.#to.write(this.#last)
    this.#isCut = true
    this.#frames.take(rest)
  }
}
