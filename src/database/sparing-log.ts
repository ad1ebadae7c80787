import type { Logger } from 'pino'

/** What is met again and again while it is tried again: each reason once in a while, or once for all. */
export class SparingLog {
  readonly #logger: Logger
  readonly #everyMs: number
  readonly #saidAtMs = new Map<string, number>()

  constructor (logger: Logger, { everyMs = everyDefaultMs }: { readonly everyMs?: number } = {}) {
    this.#logger = logger
    this.#everyMs = everyMs
  }

  warn (reason: string, fields: object, message: string): void {
    if (this.#isDue(reason, this.#everyMs)) this.#logger.warn(fields, message)
  }

  error (reason: string, fields: object, message: string): void {
    if (this.#isDue(reason, this.#everyMs)) this.#logger.error(fields, message)
  }

  /** For what only a person can change. */
  warnOnce (reason: string, fields: object, message: string): void {
    if (this.#isDue(reason, Infinity)) this.#logger.warn(fields, message)
  }

  /** It is over: should it come again, that is news. */
  forget (reason: string): void {
    this.#saidAtMs.delete(reason)
  }

  #isDue (reason: string, pauseMs: number): boolean {
    const saidAtMs = this.#saidAtMs.get(reason)
    if (saidAtMs !== undefined && performance.now() - saidAtMs < pauseMs) return false
    this.#saidAtMs.set(reason, performance.now())
    return true
  }
}

const everyDefaultMs = 600_000
