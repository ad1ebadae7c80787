import { isIP, type Socket } from 'node:net'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { UpstreamConfig } from '../config/config.ts'
import { guardHeads } from './head-guard.ts'
import type { PoolStats, TargetAddress, TargetPool } from './target.ts'

// Node's own servers close an idle connection after 5 s. Ours must go first, or a request meets a closing socket;
// undici goes below this where the upstream announces less in Keep-Alive.
const keepAliveTimeoutMs = 4_000

/** undici's own bound follows a command-line flag of node's. */
const headerBytesMax = 16_384

/** The reference engine's connections to a target. undici opens as many as it is given requests. */
export class UndiciPool implements TargetPool {
  readonly #pool: Pool

  constructor ({ origin }: TargetAddress, { connectTimeoutMs }: UpstreamConfig) {
    this.#pool = new Pool(origin, {
      pipelining: 1,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: headerBytesMax,
      connect: guardedConnector(connectTimeoutMs),
    })
  }

  request (options: Dispatcher.RequestOptions, callback: (err: Error | null, response: Dispatcher.ResponseData) => void): void {
    this.#pool.request(options, callback)
  }

  stats (): PoolStats {
    const { connected, free, running, queued } = this.#pool.stats
    return { connecting: Math.max(0, running - connected), busy: connected - free, idle: free, waiting: queued }
  }

  async close (): Promise<void> {
    await this.#pool.close()
  }

  async destroy (): Promise<void> {
    await this.#pool.destroy()
  }
}

function guardedConnector (timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout, keepAlive: true })
  return (options, callback) => {
    // An address is no server name (RFC 6066, 3); left out, the certificate is checked for what is connected to.
    const { servername } = options
    const socket: unknown = connect(servername !== undefined && isIP(servername) !== 0 ? { ...options, servername: '' } : options, callback)
    guardHeads(socket as Socket)
  }
}
