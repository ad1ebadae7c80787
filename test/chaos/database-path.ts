import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** One gateway's way to its database, over which the chaos plays the network's faults. On loopback only. */
export class DatabasePath {
  #targetPort: number
  #server: Server | null = null
  /** Kept over refusals, as the gateway comes back to it. */
  #listenPort = 0
  readonly #sockets = new Set<Socket>()
  #isStalled = false
  #delayMs = 0

  constructor (targetPort: number) {
    this.#targetPort = targetPort
  }

  get port (): number {
    return this.#listenPort
  }

  async open (): Promise<void> {
    if (this.#server !== null) return
    const server = createServer(client => this.#accept(client)).listen(this.#listenPort, '127.0.0.1')
    this.#server = server
    await once(server, 'listening')
    this.#listenPort = (server.address() as AddressInfo).port
  }

  /** Resets every connection and refuses new ones until `open`. */
  async refuse (): Promise<void> {
    const server = this.#server
    this.#server = null
    const closed = server === null ? null : once(server, 'close')
    server?.close()
    this.reset()
    await closed
  }

  reset (): void {
    for (const socket of this.#sockets) {
      // Node can't reset a socket that it is ending: its handle would stay, and the process spin at its exit for ever.
      if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  /** Connections stay and new ones are accepted, but nothing passes. */
  stall (isStalled: boolean): void {
    this.#isStalled = isStalled
    for (const socket of this.#sockets) isStalled ? socket.pause() : socket.resume()
  }

  /** Whatever passes arrives so much later, in both directions. */
  slow (delayMs: number): void {
    this.#delayMs = delayMs
  }

  /** Connections from now on lead to another server of this machine. */
  retarget (port: number): void {
    this.#targetPort = port
  }

  #accept (client: Socket): void {
    const server = connect(this.#targetPort, '127.0.0.1')
    this.#join(client, server)
    this.#join(server, client)
  }

  #join (from: Socket, to: Socket): void {
    const late: (() => void)[] = []
    // One queue for each direction: timers of different lengths may fall due in another order.
    const pass = (step: () => void) => {
      if (this.#delayMs === 0 && late.length === 0) return step()
      late.push(step)
      setTimeout(() => late.shift()?.(), this.#delayMs)
    }
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', chunk => pass(() => { if (!to.destroyed) to.write(chunk) }))
    from.on('end', () => pass(() => to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!to.writableEnded) pass(() => to.destroy())
    })
    if (this.#isStalled) from.pause()
  }
}
