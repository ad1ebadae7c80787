import type { UpstreamConfig } from '../config/config.ts'
import { addressOf, type OpenPool, type PoolStats, type Target } from './target.ts'

/** Requests under way at one target, and so its connections. */
export const runningMax = 2_048

/** A named service behind the gateway: its targets, taken in turn, and its time-outs. */
export class Upstream {
  readonly config: UpstreamConfig
  readonly #targets: readonly Target[]
  #next = 0

  constructor (config: UpstreamConfig, openPool: OpenPool) {
    this.config = config
    this.#targets = config.targets.map(origin => {
      const address = addressOf(origin)
      return { ...address, pool: openPool(address, config), running: 0 }
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

  /** Of all targets together. */
  stats (): PoolStats {
    const sum = { connecting: 0, busy: 0, idle: 0, waiting: 0 }
    for (const { pool } of this.#targets) {
      const { connecting, busy, idle, waiting } = pool.stats()
      sum.connecting += connecting
      sum.busy += busy
      sum.idle += idle
      sum.waiting += waiting
    }
    return sum
  }

  /** Resolves when requests under way have ended; connections that have nothing to do are closed. */
  async close (): Promise<void> {
    await Promise.all(this.#targets.map(({ pool }) => pool.close()))
  }

  /** Ends requests under way, too. */
  async destroy (): Promise<void> {
    await Promise.all(this.#targets.map(({ pool }) => pool.destroy()))
  }
}
