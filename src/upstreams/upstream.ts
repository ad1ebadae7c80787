import { Pool } from 'undici'
import type { UpstreamConfig } from '../config/config.ts'

// Node's own servers close an idle connection after 5 s. Ours must go first, or a request meets a closing socket;
// undici goes below this where the upstream announces less in Keep-Alive.
const keepAliveTimeoutMs = 4_000

/** One address of an upstream with its pool of kept-alive connections. */
export interface Target {
  readonly origin: string
  /** Value for the Host header: the origin without its scheme. */
  readonly host: string
  readonly pool: Pool
}

/** A named service behind the gateway: its targets, taken in turn, and its time-outs. */
export class Upstream {
  readonly config: UpstreamConfig
  readonly #targets: readonly Target[]
  #next = 0

  constructor (config: UpstreamConfig) {
    this.config = config
    this.#targets = config.targets.map(origin => ({
      origin,
      host: new URL(origin).host,
      pool: new Pool(origin, {
        pipelining: 1,
        keepAliveTimeout: keepAliveTimeoutMs,
        connect: { timeout: config.connectTimeoutMs, keepAlive: true },
      }),
    }))
  }

  /** The next target, round robin. */
  nextTarget (): Target {
    const target = this.#targets[this.#next]!
    this.#next = (this.#next + 1) % this.#targets.length
    return target
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
