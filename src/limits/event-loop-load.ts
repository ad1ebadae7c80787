import type { Logger } from 'pino'

export interface EventLoopLoadOptions {
  readonly delayMaxMs: number
  readonly logger: Logger
}

/** calm: all is served. busy: those that the gateway knows. drowning: a part of those, too. */
export type LoadLevel = 'calm' | 'busy' | 'drowning'

const sampleEveryMs = 100
/** Of the delay so far in what is believed next: a single long pause doesn't shed anything. */
const smoothing = 0.5
const drowningFactor = 3
/** The delay must have fallen to this part of the bound before everybody is served again. */
const calmBelow = 0.5
const logEveryMs = 10_000

/**
 * How late the event loop runs, and so what is to be refused to let it catch up. Each request turned away at once is
 * time for those that are served.
 */
export class EventLoopLoad {
  readonly #delayMaxMs: number
  readonly #logger: Logger
  readonly #timer: NodeJS.Timeout
  #sampledAtMs = performance.now()
  #delayMs = 0
  #level: LoadLevel = 'calm'
  #share = 0
  #refused = { unknown: 0, any: 0 }
  #loggedAtMs = -Infinity
  #isBeginLogged = false
  #refusedBefore = 0

  constructor ({ delayMaxMs, logger }: EventLoopLoadOptions) {
    this.#delayMaxMs = delayMaxMs
    this.#logger = logger
    this.#timer = setInterval(() => {
      const nowMs = performance.now()
      this.sample(nowMs - this.#sampledAtMs - sampleEveryMs)
      this.#sampledAtMs = nowMs
    }, sampleEveryMs).unref()
  }

  get level (): LoadLevel {
    return this.#level
  }

  /** Whether work for somebody who isn't known yet is to be refused. Counts what it says yes to. */
  shedsUnknown (): boolean {
    if (this.#level === 'calm') return false
    this.#refused.unknown++
    return true
  }

  /** Whether this request is to be refused whoever sends it: of those asked about, the share that is too much. Counts what it says yes to. */
  shedsAny (): boolean {
    if (this.#level !== 'drowning') return false
    this.#share += 1 - this.#delayMaxMs * drowningFactor / this.#delayMs
    if (this.#share < 1) return false
    this.#share--
    this.#refused.any++
    return true
  }

  /** By how much a timer was late. */
  sample (lateMs: number): void {
    this.#delayMs = this.#delayMs * smoothing + Math.max(0, lateMs) * (1 - smoothing)
    const before = this.#level
    if (this.#delayMs > this.#delayMaxMs * drowningFactor) this.#level = 'drowning'
    else if (this.#delayMs > this.#delayMaxMs) this.#level = 'busy'
    else if (this.#delayMs < this.#delayMaxMs * calmBelow) this.#level = 'calm'
    else if (this.#level === 'drowning') this.#level = 'busy'
    if (before === 'calm' && this.#level !== 'calm') this.#logBegin()
    else if (before !== 'calm' && this.#level === 'calm') this.#logEnd()
  }

  stats (): { readonly delayMs: number, readonly level: LoadLevel, readonly unknown: number, readonly any: number } {
    return { delayMs: this.#delayMs, level: this.#level, ...this.#refused }
  }

  close (): void {
    clearInterval(this.#timer)
  }

  /** An overload that comes and goes is one line in ten seconds. */
  #logBegin (): void {
    const nowMs = performance.now()
    this.#isBeginLogged = nowMs - this.#loggedAtMs >= logEveryMs
    if (!this.#isBeginLogged) return
    this.#loggedAtMs = nowMs
    this.#refusedBefore = this.#refused.unknown + this.#refused.any
    this.#logger.warn({ delayMs: Math.round(this.#delayMs), eventLoopDelayMaxMs: this.#delayMaxMs }, 'overloaded: requests without a known key are refused until the event loop catches up')
  }

  #logEnd (): void {
    if (!this.#isBeginLogged) return
    this.#logger.info({ refused: this.#refused.unknown + this.#refused.any - this.#refusedBefore }, 'no longer overloaded')
  }
}
