import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * Stands between a client and a server to play network faults. Listens on a port of loopback that the system picks.
 * A test closes it in its teardown.
 */
export class TcpProxy {
  #host: string
  #port: number
  readonly #newFilter: () => Filter
  #server: Server | null = null
  /** What the system picked; kept over cuts, as clients come back to it. */
  #listenPort = 0
  readonly #sockets = new Set<Socket>()
  readonly #clients = new Set<Socket>()
  #isStalled = false
  #delayMs = 0

  constructor (host: string, port: number, newFilter: () => Filter = () => (chunk) => chunk) {
    this.#host = host
    this.#port = port
    this.#newFilter = newFilter
  }

  get port (): number {
    return this.#listenPort
  }

  get connections (): number {
    return this.#sockets.size / 2
  }

  /** The same URL, through the proxy. */
  through (url: string): string {
    const changed = new URL(url)
    changed.hostname = '127.0.0.1'
    changed.port = String(this.#listenPort)
    return changed.href
  }

  async listen (): Promise<void> {
    this.#server = createServer((client) => this.#accept(client)).listen(this.#listenPort, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#listenPort = (this.#server.address() as AddressInfo).port
  }

  /** Resets every connection, and refuses new ones until `resume`. */
  async cut (): Promise<void> {
    const server = this.#server
    this.#server = null
    const closed = server === null ? null : once(server, 'close')
    server?.close()
    this.reset()
    await closed
  }

  /** Resets every connection; new ones are accepted. */
  reset (): void {
    for (const socket of this.#sockets) {
      // Node can't reset a socket that it is ending: its handle would stay, and the process spin at its exit for ever.
      if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  /** Connections stay open and new ones are accepted, but no byte moves until `resume`. */
  stall (): void {
    this.#isStalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** What clients say from now on stays here until `resume`, on the connections that are open; what the server says arrives. */
  holdClients (): void {
    for (const socket of this.#clients) socket.pause()
  }

  /** Ends a cut, a stall or a hold. */
  async resume (): Promise<void> {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.resume()
    if (this.#server === null) await this.listen()
  }

  /** New connections go to the server of `url`; those that are open stay where they are. */
  retarget (url: string): void {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  /** What the server says from now on arrives that much later, on every connection. 0 ends it. */
  slowDown (delayMs: number): void {
    this.#delayMs = delayMs
  }

  async close (): Promise<void> {
    await this.cut()
  }

  #accept (client: Socket): void {
    const upstream = connect(this.#port, this.#host)
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    this.#join(client, upstream, (chunk) => { if (!upstream.write(chunk)) client.pause() })
    const filter = this.#newFilter()
    const late: Buffer[] = []
    this.#join(upstream, client, (chunk) => {
      const filtered = filter(chunk)
      // Nothing overtakes what is late already, whatever its own delay: each timer lets go the first in the queue.
      if (this.#delayMs > 0 || late.length > 0) {
        late.push(filtered)
        setTimeout(() => { client.write(late.shift()!) }, this.#delayMs)
      } else if (!client.write(filtered)) upstream.pause()
    })
  }

  #join (from: Socket, to: Socket, onData: (chunk: Buffer) => void): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', onData)
    to.on('drain', () => {
      if (!this.#isStalled) from.resume()
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      // After an orderly end `to` still has bytes to send.
      if (!to.writableEnded) to.destroy()
    })
    if (this.#isStalled) from.pause()
  }
}

/** What of a chunk that comes from the server the client gets. One for each connection. */
export type Filter = (chunk: Buffer) => Buffer

/** A listening proxy in front of the server of `url`. */
export async function proxyTo (url: string, newFilter?: () => Filter): Promise<TcpProxy> {
  const { hostname, port } = new URL(url)
  const proxy = new TcpProxy(hostname, Number(port), newFilter)
  await proxy.listen()
  return proxy
}
