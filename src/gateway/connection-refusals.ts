import type { Logger } from 'pino'

export interface ConnectionRefusalsOptions {
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly logger: Logger
}

const logEveryMs = 60_000

/** Counts the connections that were over a bound, and says once a minute which bound it was and how to raise it. */
export class ConnectionRefusals {
  readonly #options: ConnectionRefusalsOptions
  readonly #refused = { total: 0, address: 0 }
  #loggedAtMs = -Infinity

  constructor (options: ConnectionRefusalsOptions) {
    this.#options = options
  }

  /** `network` is whose connections are too many, where those of one address are. */
  count (reason: 'total' | 'address', open: number, network?: string): void {
    this.#refused[reason]++
    const nowMs = performance.now()
    if (nowMs - this.#loggedAtMs < logEveryMs) return
    this.#loggedAtMs = nowMs
    const { connectionsMax, connectionsPerAddressMax, logger } = this.#options
    const numbers = { open, connectionsMax, connectionsPerAddressMax, refused: { ...this.#refused } }
    if (network === undefined) {
      logger.warn({ reason, remedy: "raise gateway.connectionsMax, and with it the process's limit of open files", ...numbers },
        'connections are refused: as many as connectionsMax are open')
    } else {
      logger.warn({ reason, network, remedy: 'raise gateway.connectionsPerAddressMax, or list the proxy in gateway.trustProxy', ...numbers },
        'connections are refused: an address has as many as connectionsPerAddressMax')
    }
  }

  stats (): { readonly refusedTotal: number, readonly refusedAddress: number } {
    return { refusedTotal: this.#refused.total, refusedAddress: this.#refused.address }
  }
}
