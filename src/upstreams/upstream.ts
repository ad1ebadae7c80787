import { isIP, type Socket } from 'node:net'
import { buildConnector, Pool } from 'undici'
import type { UpstreamConfig } from '../config/config.ts'
import { guardHeads } from './head-guard.ts'

// Node's own servers close an idle connection after 5 s. Ours must go first, or a request meets a closing socket;
// undici goes below this where the upstream announces less in Keep-Alive.
const keepAliveTimeoutMs = 4_000

/** Requests under way at one target, and so its connections: undici opens as many as it is given requests. */
export const runningMax = 2_048

/** undici's own bound follows a command-line flag of node's. */
const headerBytesMax = 16_384

/** One address of an upstream with its pool of kept-alive connections. */
export interface Target {
  readonly origin: string
  /** Value for the Host header: the origin without its scheme. */
  readonly host: string
  /** The name or address to connect to: also the one that certificates must be for, whatever Host is sent. */
  readonly hostname: string
  readonly pool: Pool
  /** Requests under way. */
  running: number
}

/** A named service behind the gateway: its targets, taken in turn, and its time-outs. */
export class Upstream {
  readonly config: UpstreamConfig
  readonly #targets: readonly Target[]
  #next = 0

  constructor (config: UpstreamConfig) {
    this.config = config
    this.#targets = config.targets.map(origin => {
      const { host, hostname } = new URL(origin)
      return {
        origin,
        host,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        pool: new Pool(origin, {
          pipelining: 1,
          keepAliveTimeout: keepAliveTimeoutMs,
          maxHeaderSize: headerBytesMax,
          connect: guardedConnector(config.connectTimeoutMs),
        }),
        running: 0,
      }
    })
  }

  /**
   * The next target, round robin, with one more request under way, which the caller takes off again when it has ended.
   * A target that just failed is left out where there is another. Null: all are busy.
   */
  takeTarget (failed: Target | null = null): Target | null {
    const { length } = this.#targets
    for (let i = 0; i < length; i++) {
      const target = this.#targets[this.#next]!
      this.#next = (this.#next + 1) % length
      if (target.running >= runningMax || (target === failed && length > 1)) continue
      target.running++
      return target
    }
    return null
  }

  /** Resolves when requests under way have ended; new ones are refused. */
  async close (): Promise<void> {
    await Promise.all(this.#targets.map(({ pool }) => pool.close()))
  }

  /** Ends requests under way, too. */
  async destroy (): Promise<void> {
    await Promise.all(this.#targets.map(({ pool }) => pool.destroy()))
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
