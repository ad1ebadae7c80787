import type { Logger } from 'pino'

/** The time from a failed write to the next that succeeds: says when to try again, and logs it without flooding. */
export class Outage {
  readonly #logger: Logger
  readonly #retry: () => void
  #failures = 0
  #saidAtMs = -Infinity
  #timer: NodeJS.Timeout | undefined

  /** `retry` is called after each failure, later each time: from 50 ms to 1 s, with jitter. */
  constructor (logger: Logger, retry: () => void) {
    this.#logger = logger
    this.#retry = retry
  }

  get isOn (): boolean {
    return this.#failures > 0
  }

  failed (err: unknown, { rowsWaiting, willRetry }: { rowsWaiting: number, willRetry: boolean }): void {
    const delayMs = Math.min(firstDelayMs * 2 ** this.#failures, delayMsMax) * (0.5 + Math.random() / 2)
    this.#failures++
    const nowMs = performance.now()
    if (nowMs - this.#saidAtMs >= logIntervalMs) {
      this.#saidAtMs = nowMs
      this.#logger.warn({ err, rowsWaiting }, 'usage could not be written, trying again')
    }
    clearTimeout(this.#timer)
    if (willRetry) this.#timer = setTimeout(this.#retry, delayMs).unref()
  }

  /** There is reason to think that it is over. */
  retryNow (): void {
    if (!this.isOn) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#retry).unref()
  }

  ended (): void {
    if (this.#failures === 0) return
    this.#logger.info({ failures: this.#failures }, 'usage is written again')
    this.close()
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#failures = 0
  }
}

const firstDelayMs = 100
/** Small beside what users notice: rows are to be there within seconds of the database's return. */
const delayMsMax = 1000
const logIntervalMs = 10_000
