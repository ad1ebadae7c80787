import { setTimeout as delay } from 'node:timers/promises'
import { isBalanced, type UsageBooks, usageBooks } from '../support/scrape.ts'
import type { Violation } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import type { Timeline } from './timeline.ts'

const everyMs = 1_000

/** Reads every gateway's books once a second: they have to balance in every scrape. */
export class Books {
  scrapes = 0
  waitingMax = 0
  readonly #gateways: readonly Gateway[]
  readonly #timeline: Timeline
  readonly #onViolation: (violation: Violation) => void
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor (gateways: readonly Gateway[], timeline: Timeline, onViolation: (violation: Violation) => void) {
    this.#gateways = gateways
    this.#timeline = timeline
    this.#onViolation = onViolation
  }

  start (): void {
    this.#running = this.#run()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** Of one gateway, now; null where it can't be read. */
  async read (gateway: Gateway): Promise<UsageBooks | null> {
    const beganMs = Date.now()
    try {
      const books = await usageBooks(gateway.adminUrl)
      this.scrapes++
      this.waitingMax = Math.max(this.waitingMax, books.waiting + books.spooled)
      if (!isBalanced(books)) this.#onViolation({ kind: 'unbalanced books', what: `${gateway.name}: ${JSON.stringify(books)}`, exchange: null })
      return books
    } catch (err) {
      const { ending } = gateway
      if (this.#timeline.meeting('gateway', gateway.name, beganMs, Date.now()) === undefined) {
        this.#onViolation({ kind: 'gateway failed', what: `${gateway.name} gives no metrics: ${String(err)}${ending === null ? '' : `; it ended with ${ending}`}`, exchange: null })
      }
      return null
    }
  }

  async #run (): Promise<void> {
    while (!this.#isStopped) {
      await Promise.all(this.#gateways.map(async gateway => await this.read(gateway)))
      await delay(everyMs)
    }
  }
}
