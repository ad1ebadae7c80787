import type { Logger } from 'pino'

/** Warnings of things that are tried again and again: each reason once in ten minutes, or once for all. */
export class SparingLog {
  readonly #logger: Logger
  readonly #saidAtMs = new Map<string, number>()

  constructor (logger: Logger) {
    this.#logger = logger
  }

  warn (reason: string, fields: object, message: string): void {
    this.#warn(reason, fields, message, intervalMs)
  }

  /** For what only a person can change. */
  warnOnce (reason: string, fields: object, message: string): void {
    this.#warn(reason, fields, message, Infinity)
  }

  #warn (reason: string, fields: object, message: string, pauseMs: number): void {
    const saidAtMs = this.#saidAtMs.get(reason)
    if (saidAtMs !== undefined && performance.now() - saidAtMs < pauseMs) return
    this.#saidAtMs.set(reason, performance.now())
    this.#logger.warn(fields, message)
  }
}

const intervalMs = 600_000
