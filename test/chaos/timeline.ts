/**
 * What a fault may excuse. `database`: the gateways can't ask their key store, or not in time. `target`: an upstream's
 * target doesn't answer as it should. `gateway`: a gateway takes no new connections.
 */
export type Excuse = 'database' | 'target' | 'gateway'

/** A time in which something may be refused that is otherwise served. */
export interface Window {
  readonly excuse: Excuse
  readonly what: string
  /** The gateway that it concerns; null: all. */
  readonly gateway: string | null
  readonly fromMs: number
  /** Infinity while it lasts. */
  toMs: number
}

/** After a fault, everything has to be as before within so long. */
export const recoveryMs = 5_000

/** All windows of a run, in the order in which they began; and notes, for whoever reads a violation. */
export class Timeline {
  readonly windows: Window[] = []
  readonly notes: { readonly atMs: number, readonly text: string }[] = []
  readonly #nowMs: () => number

  constructor (nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  open (excuse: Excuse, what: string, gateway: string | null = null): Window {
    const window = { excuse, what, gateway, fromMs: this.#nowMs(), toMs: Infinity }
    this.windows.push(window)
    return window
  }

  close (window: Window): void {
    window.toMs = this.#nowMs()
  }

  note (text: string): void {
    this.notes.push({ atMs: this.#nowMs(), text })
  }

  /** A window of this kind at this gateway, its recovery included, that meets the span. */
  meeting (excuse: Excuse, gateway: string, fromMs: number, toMs: number): Window | undefined {
    return this.windows.find(window => isOf(window, excuse, gateway) && window.fromMs <= toMs && window.toMs + recoveryMs >= fromMs)
  }

  /** Until when a gateway may not have noticed a change that is in force for certain since `sinceMs`: for a second, or until its store was back. */
  unnoticedUntilMs (sinceMs: number, gateway: string): number {
    let untilMs = sinceMs + noticeMs
    for (const window of this.windows) {
      const recoveredMs = window.toMs + recoveryMs
      if (isOf(window, 'database', gateway) && window.fromMs <= untilMs && recoveredMs >= sinceMs) untilMs = Math.max(untilMs, recoveredMs)
    }
    return untilMs
  }
}

function isOf (window: Window, excuse: Excuse, gateway: string): boolean {
  return window.excuse === excuse && (window.gateway === null || window.gateway === gateway)
}

/** A change of a key reaches every gateway within so long, while they can be told of it. */
const noticeMs = 1_000
