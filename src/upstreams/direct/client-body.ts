import type { Socket } from 'node:net'
import { BodyTooLargeError } from '../failure.ts'
import type { RequestBody } from '../forwarding.ts'
import type { Carried, Connection } from './connection.ts'

/** A body that has arrived with its head and isn't longer goes out with it, in one write. */
const smallBytesMax = 16_384

/** A request's body on its way from the client to the upstream: bounded, and no faster than the upstream takes it. */
export class ClientBody {
  readonly isChunked: boolean
  /** Null: it is told by the end. */
  readonly #length: number | null
  readonly #raw: RequestBody
  readonly #exchange: Pick<Carried, 'failed'>
  /** Only bodies without a Content-Length need the count: with one, the size was looked at, and the server holds the client to it. */
  #bytesLeft: number
  #connection: Connection | null = null
  #isSent = false
  #isBlocked = false

  constructor (raw: RequestBody, bodyBytesMax: number, exchange: Pick<Carried, 'failed'>) {
    this.#raw = raw
    this.#exchange = exchange
    const length = raw.headers['content-length']
    this.#length = length === undefined ? null : Number(length)
    this.isChunked = length === undefined
    this.#bytesLeft = this.isChunked ? bodyBytesMax : Infinity
  }

  /** Whether all of it has arrived. node:http tells of the end of a message later than of its last piece. */
  get isWhole (): boolean {
    return this.#raw.complete || this.#raw.readableLength === this.#length
  }

  /** Whether all of it has gone to the upstream's connection. */
  get isSent (): boolean {
    return this.#isSent
  }

  /** The next piece is the client's to send, not the upstream's to take. */
  get waitsForClient (): boolean {
    return !this.#isSent && !this.#isBlocked
  }

  /** Sends the request's head, and the body behind it as it arrives. */
  send (connection: Connection, head: string): void {
    const raw = this.#raw
    const { socket } = connection
    if (this.isWhole && raw.readableLength <= smallBytesMax) {
      if (this.#count(raw.readableLength)) this.#sendAll(socket, head)
      return
    }
    this.#connection = connection
    socket.cork()
    socket.write(head, 'latin1')
    raw.on('end', this.#end)
    raw.on('data', this.#pass)
    socket.uncork()
  }

  /** The upstream's connection takes more. */
  drained (): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    if (this.#connection !== null) this.#raw.resume()
  }

  /** What still comes is read and dropped: it belongs to nobody, and the client's connection goes on. */
  drop (): void {
    if (this.#connection !== null) this.#raw.off('data', this.#pass).off('end', this.#end)
    this.#connection = null
    if (!this.#raw.readableEnded) this.#raw.resume()
  }

  #sendAll (socket: Socket, head: string): void {
    let text = ''
    // From Node 26 on, a piece at a time.
    for (let bytes = this.#raw.read(); bytes !== null; bytes = this.#raw.read()) text += (bytes as Buffer).toString('latin1')
    this.#raw.resume()
    this.#isSent = true
    if (!this.isChunked) socket.write(head + text, 'latin1')
    else if (text === '') socket.write(`${head}0\r\n\r\n`, 'latin1')
    else socket.write(`${head}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`, 'latin1')
  }

  readonly #pass = (bytes: Buffer): void => {
    if (!this.#count(bytes.length)) return
    const { socket } = this.#connection!
    this.#connection!.touch()
    let hasRoom: boolean
    if (this.isChunked) {
      socket.cork()
      socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1')
      socket.write(bytes)
      hasRoom = socket.write('\r\n', 'latin1')
      socket.uncork()
    } else {
      hasRoom = socket.write(bytes)
    }
    if (hasRoom) return
    this.#isBlocked = true
    this.#raw.pause()
  }

  readonly #end = (): void => {
    this.#isSent = true
    this.#connection!.touch()
    if (this.isChunked) this.#connection!.socket.write('0\r\n\r\n', 'latin1')
  }

  /** False, and the exchange has failed, where there is too much of it. */
  #count (bytes: number): boolean {
    this.#bytesLeft -= bytes
    if (this.#bytesLeft >= 0) return true
    this.#exchange.failed(new BodyTooLargeError('request body too large'))
    return false
  }
}
