import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { ReceivedBody } from '../client-request.ts'

/** The body of a plain request: so many bytes, read no faster than they are taken. */
export class PlainBody extends Readable implements ReceivedBody {
  readonly headers: IncomingHttpHeaders
  readonly #socket: Socket
  receivedBytes = 0
  #bytesLeft: number

  constructor (headers: IncomingHttpHeaders, bytes: number, socket: Socket) {
    super({ highWaterMark: socket.readableHighWaterMark })
    this.headers = headers
    this.#bytesLeft = bytes
    this.#socket = socket
  }

  get complete (): boolean {
    return this.#bytesLeft === 0
  }

  /** Takes what was read, as far as it belongs to the body, and returns how far that is. */
  feed (bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#bytesLeft)
    this.#bytesLeft -= taken
    this.receivedBytes += taken
    const hasRoom = this.push(taken === bytes.length ? bytes : bytes.subarray(0, taken))
    if (this.#bytesLeft === 0) this.push(null)
    else if (!hasRoom) this.#socket.pause()
    return taken
  }

  override _read (): void {
    // Behind the body, the connection decides what is read.
    if (!this.complete && this.#socket.isPaused()) this.#socket.resume()
  }
}
