import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { UpstreamScript } from './case.ts'
import { type LenientRequest, readLeniently } from './lenient-request.ts'

export interface ExecutedRequest extends LenientRequest {
  /** Its place among all that the upstream executed. */
  readonly order: number
}

export interface UpstreamConnection {
  /** Bytes received since the last `begin`. */
  readonly received: string
  readonly executed: readonly ExecutedRequest[]
  readonly isClosed: boolean
}

interface Connection {
  readonly socket: Socket
  received: string
  /** How much of `received` has been read as requests. */
  readBytes: number
  executed: ExecutedRequest[]
  isClosed: boolean
  isAnswering: boolean
}

const stepTimeoutMs = 5_000
export const sentinelPath = '/sentinel-'

/**
 * An upstream on a bare socket: it keeps every byte that it receives, reads requests as leniently as the worst of
 * servers, so that smuggled ones show themselves, and answers as a case says.
 */
export class RawUpstream {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  #executedCount = 0
  #script: UpstreamScript | null = null
  #clientReceived: () => string = () => ''

  private constructor (server: Server) {
    this.#server = server
    server.on('connection', socket => this.#accept(socket))
  }

  static async start (port = 0): Promise<RawUpstream> {
    const server = createServer()
    const upstream = new RawUpstream(server)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return upstream
  }

  get url (): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Forgets what was received and answers by another script. `clientReceived` is what the case's client has seen so far. */
  begin (script: UpstreamScript | null, clientReceived: () => string): void {
    this.#script = script
    this.#clientReceived = clientReceived
    for (const connection of this.#connections) {
      // What was left half-way belongs to the case before.
      if (connection.isClosed || connection.readBytes < connection.received.length) {
        connection.socket.destroy()
        this.#connections.delete(connection)
      }
      connection.received = connection.received.slice(connection.readBytes)
      connection.readBytes = 0
      connection.executed = []
    }
  }

  /** The connections on which something arrived since `begin`. */
  get connections (): UpstreamConnection[] {
    return [...this.#connections].filter(({ received }) => received !== '').map(connection => ({ ...connection }))
  }

  get received (): string {
    return this.connections.map(({ received }) => received).join('')
  }

  async close (): Promise<void> {
    for (const { socket } of this.#connections) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept (socket: Socket): void {
    const connection: Connection = { socket, received: '', readBytes: 0, executed: [], isClosed: false, isAnswering: false }
    this.#connections.add(connection)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      connection.received += text
      this.#read(connection)
    })
    socket.on('error', () => {})
    socket.on('close', () => { connection.isClosed = true })
  }

  #read (connection: Connection): void {
    while (!connection.isAnswering) {
      const request = readLeniently(connection.received.slice(connection.readBytes))
      if (request === null) return
      const script = request.target.startsWith(sentinelPath) ? null : this.#script
      if (!request.isComplete) {
        if (script?.at === 'head') this.#answer(connection, script, request)
        return
      }
      connection.readBytes += request.bytes
      connection.executed.push({ ...request, order: this.#executedCount++ })
      this.#answer(connection, script, request)
    }
  }

  #answer (connection: Connection, script: UpstreamScript | null, request: LenientRequest): void {
    connection.isAnswering = true
    this.#write(connection, script, request).then(() => {
      // A request that was answered at its head still arrives.
      if (!request.isComplete) return
      connection.isAnswering = false
      this.#read(connection)
    }).catch(() => connection.socket.destroy())
  }

  async #write ({ socket }: Connection, script: UpstreamScript | null, request: LenientRequest): Promise<void> {
    if (script === null) {
      const body = `ran ${request.method} ${request.target.replace(/[^!-~]/g, '?')}`
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${request.method === 'HEAD' ? '' : body}`, 'latin1')
      return
    }
    if (typeof script.answer === 'string') {
      socket.write(script.answer, 'latin1')
      return
    }
    for (const step of script.answer) {
      if ('write' in step) socket.write(step.write, 'latin1')
      else if ('clientSees' in step) await this.#untilClientSees(step.clientSees)
      else if (step.do === 'end') socket.end()
      else socket.resetAndDestroy()
    }
  }

  async #untilClientSees (text: string): Promise<void> {
    const deadlineMs = Date.now() + stepTimeoutMs
    while (!this.#clientReceived().includes(text) && Date.now() < deadlineMs) await delay(2)
  }
}
