import { LRUCache } from 'lru-cache'

export interface FailureBudgetOptions {
  /** Failures that a network may have in a period. */
  readonly failures: number
  readonly perMs: number
  /** Networks remembered. Over it, the one whose last failure is the oldest starts afresh. */
  readonly networksMax?: number
  /** A failure was counted here. For other processes that share the budget. */
  readonly onTaken?: (network: string) => void
  /** Of a clock that never goes back. */
  readonly nowMs?: () => number
}

/**
 * How many invalid keys a network may still send. Each costs its part of the period, and time pays back all along
 * (GCRA): so one number a network is enough, `failures` may come at once, and there is no moment at which all of them
 * are free again. Nothing but failures costs anything: a full table locks nobody out, and to be forgotten by it takes a
 * failure from each of `networksMax` other networks.
 */
export class FailureBudget {
  readonly failures: number
  readonly perMs: number
  readonly #costMs: number
  /** When each network will have paid back everything. */
  readonly #paidBackAtMs: LRUCache<string, number>
  readonly #onTaken: ((network: string) => void) | null
  readonly #nowMs: () => number
  #forgotten = 0

  constructor ({ failures, perMs, networksMax = 50_000, onTaken, nowMs = () => performance.now() }: FailureBudgetOptions) {
    this.failures = failures
    this.perMs = perMs
    this.#costMs = perMs / failures
    this.#onTaken = onTaken ?? null
    this.#nowMs = nowMs
    this.#paidBackAtMs = new LRUCache({
      max: networksMax,
      dispose: (paidBackAtMs, _network, reason) => { if (reason === 'evict' && paidBackAtMs > this.#nowMs()) this.#forgotten++ },
    })
  }

  /** Counts a failure. False where the budget is spent: then nothing is counted, and the wait doesn't grow. */
  take (network: string): boolean {
    const debtMs = this.#debtMs(network)
    if (!this.#hasRoom(debtMs)) return false
    this.#paidBackAtMs.set(network, this.#nowMs() + debtMs + this.#costMs)
    this.#onTaken?.(network)
    return true
  }

  /**
   * Failures that other processes counted, a fraction of one included. They aren't refused any more: where that is more
   * than the budget, the network pays it back all the same, so that in the long run it has one budget and no more.
   */
  add (failures: Iterable<readonly [network: string, failures: number]>): void {
    for (const [network, count] of failures) this.#paidBackAtMs.set(network, this.#nowMs() + this.#debtMs(network) + this.#costMs * count)
  }

  /** What each network has not paid back yet, in failures, as `add` takes it. */
  known (): [network: string, failures: number][] {
    const owed: [string, number][] = []
    for (const network of this.#paidBackAtMs.rkeys()) {
      const debtMs = this.#debtMs(network)
      if (debtMs > 0) owed.push([network, debtMs / this.#costMs])
    }
    return owed
  }

  /** How many failures are left now. */
  remaining (network: string): number {
    const left = Math.floor((this.perMs - this.#debtMs(network)) / this.#costMs + tolerance)
    return Math.max(0, left)
  }

  /** How long until there is room for one failure; 0 where there is. */
  retryAfterMs (network: string): number {
    const debtMs = this.#debtMs(network)
    return this.#hasRoom(debtMs) ? 0 : debtMs + this.#costMs - this.perMs
  }

  /** `forgotten`: networks that still owed something when the table was full. */
  stats (): { readonly networks: number, readonly forgotten: number } {
    return { networks: this.#paidBackAtMs.size, forgotten: this.#forgotten }
  }

  /** Reading doesn't make a network younger to the table: only its failures do. */
  #debtMs (network: string): number {
    return Math.max(0, (this.#paidBackAtMs.peek(network) ?? 0) - this.#nowMs())
  }

  #hasRoom (debtMs: number): boolean {
    return debtMs + this.#costMs <= this.perMs + this.#costMs * tolerance
  }
}

/** Of a failure's cost: periods that `failures` doesn't divide are sums of rounded numbers. */
const tolerance = 1e-6
