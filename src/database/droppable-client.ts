import { Socket } from 'node:net'
import pg from 'pg'

/**
 * A connection that can be dropped at any moment, whatever its other end does: pg has no public way to end one that
 * hangs, be it while it connects, in a query or in its farewell.
 */
export class DroppableClient extends pg.Client {
  readonly #socket: Socket

  constructor (config: pg.ClientConfig) {
    const socket = new Socket()
    super({ ...config, stream: () => socket })
    this.#socket = socket
  }

  /** Ends it at once. A query under way fails with `reason`, or as one whose connection was lost. */
  drop (reason?: Error): void {
    this.#socket.destroy(reason)
  }

  /** Sends what is written and closes; for a connection whose other end may not answer the farewell. */
  dropSoon (timeoutMs: number): void {
    this.#socket.destroySoon()
    setTimeout(() => this.#socket.destroy(), timeoutMs).unref()
  }
}
