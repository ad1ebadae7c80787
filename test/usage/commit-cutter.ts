import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * What becomes of a COMMIT on its way to Postgres: it passes; the connection breaks before it got there; it is carried
 * out but its answer is lost; or it gets there late, when the client has already come back on another connection.
 */
export type Fate = 'passes' | 'never arrives' | 'answer lost' | 'arrives late'

/** Stands in front of Postgres and gives each COMMIT the next fate; the last one stays in force. */
export class CommitCutter {
  readonly #server: Server
  readonly #fates: Fate[]
  readonly #sockets = new Set<Socket>()
  #late: (() => void) | null = null
  #onCut: (() => void) | null = null
  commits = 0

  constructor (databaseUrl: string, fates: readonly Fate[]) {
    const { hostname, port } = new URL(databaseUrl)
    this.#fates = [...fates]
    this.#server = createServer((client) => this.#accept(client, connect(Number(port), hostname)))
  }

  async listen (databaseUrl: string): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const url = new URL(databaseUrl)
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return url.href
  }

  /** The next COMMIT gets this fate. `onCut` is called when it has come, before anything becomes of it. */
  async cutNext (fate: Fate, onCut: () => void): Promise<void> {
    this.#fates.unshift(fate)
    await new Promise<void>(resolve => {
      this.#onCut = () => {
        onCut()
        resolve()
      }
    })
  }

  close (): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept (client: Socket, upstream: Socket): void {
    let losesAnswer = false
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    }
    upstream.on('data', (chunk) => {
      if (losesAnswer) client.resetAndDestroy()
      else client.write(chunk)
    })
    upstream.on('close', () => client.destroy())
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      if (text.includes('usage_batches')) this.#late?.()
      if (!text.includes('commit\0')) return upstream.write(chunk)
      this.commits++
      const fate = this.#fates.length > 1 ? this.#fates.shift() : this.#fates[0]
      const onCut = this.#onCut
      this.#onCut = null
      onCut?.()
      if (fate === 'never arrives') return client.resetAndDestroy()
      if (fate === 'arrives late') {
        this.#late = () => {
          this.#late = null
          upstream.end(chunk)
        }
        client.removeAllListeners('close').resetAndDestroy()
        return
      }
      losesAnswer = fate === 'answer lost'
      upstream.write(chunk)
    })
    client.on('close', () => upstream.destroy())
  }
}
