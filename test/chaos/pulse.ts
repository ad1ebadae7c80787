import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Timeline } from './timeline.ts'

const everyMs = 250
/** A gateway gives a look-up up to two seconds, of which it may take several. */
const slowMs = 500

/**
 * Feels how fast the database answers straight, past everything that faults are played on. Where even that takes long,
 * the machine has too much to do: that explains what an outage of the database would, and is told at the end.
 */
export class Pulse {
  /** The longest answers, in milliseconds, that no fault explains. */
  slowest = 0
  slowAnswers = 0
  readonly #pool: () => pg.Pool
  readonly #timeline: Timeline
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor (pool: () => pg.Pool, timeline: Timeline) {
    this.#pool = pool
    this.#timeline = timeline
  }

  start (): void {
    this.#running = this.#run()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run (): Promise<void> {
    while (!this.#isStopped) {
      const fromMs = Date.now()
      const isAnswered = await this.#pool().query('select 1').then(() => true, () => false)
      const toMs = Date.now()
      const isFault = this.#timeline.windows.some(window => window.excuse === 'database' && window.fromMs <= toMs && window.toMs >= fromMs)
      if (isAnswered && !isFault && toMs - fromMs > slowMs) {
        this.slowAnswers++
        this.slowest = Math.max(this.slowest, toMs - fromMs)
        this.#timeline.windows.push({ excuse: 'database', what: `the machine is too busy: a query took ${toMs - fromMs} ms straight`, gateway: null, fromMs, toMs })
      }
      await delay(everyMs)
    }
  }
}
