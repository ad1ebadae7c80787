import type { Logger } from 'pino'

/** Says which rows were lost and why, at most once in ten seconds a reason, with the number since the last time. */
export class DropLog {
  readonly #logger: Logger
  readonly #reasons = new Map<DropReason, { rows: number, err: unknown, saidAtMs: number }>()

  constructor (logger: Logger) {
    this.#logger = logger
  }

  count (reason: DropReason, rows: number, err: unknown = undefined): void {
    let entry = this.#reasons.get(reason)
    if (entry === undefined) this.#reasons.set(reason, entry = { rows: 0, err: undefined, saidAtMs: -Infinity })
    entry.rows += rows
    entry.err = err
    this.say()
  }

  /** Says what has waited long enough; with `everything`, the rest too. */
  say ({ everything = false } = {}): void {
    const nowMs = performance.now()
    for (const [reason, entry] of this.#reasons) {
      if (entry.rows === 0 || (!everything && nowMs - entry.saidAtMs < intervalMs)) continue
      const { rows, err } = entry
      this.#logger.warn(err === undefined ? { rows, reason } : { rows, reason, err }, 'usage rows dropped')
      entry.rows = 0
      entry.saidAtMs = nowMs
    }
  }
}

export type DropReason = 'queue full' | 'key deleted' | 'unreadable' | 'refused by the store' | 'recorder closed' | 'spool full' | 'unreadable on disk'

const intervalMs = 10_000
