import { setTimeout as delay } from 'node:timers/promises'
import { scrape, type UsageBooks } from '../scrape.ts'
import type { Life } from './life.ts'

const everyMs = 50
const faultsMax = 50
const lagsKeptMs = 2_000
const lagResolutionMs = 11
/** What may never fall while a process lives. */
const counting = /^latchkey_.*(_total|_count|_bucket)(\{|$)/

export interface Seen {
  readonly series: Map<string, number>
  readonly books: UsageBooks
  /** When it had been read, of performance.now(). */
  readonly atMs: number
}

/** Reads the metrics of every gateway that lives, all the time: books have to balance, and counters never fall. */
export class Books {
  readonly faults: string[] = []
  samples = 0
  samplesWithRowsUnderWay = 0
  readonly #lives: () => readonly Life[]
  readonly #last = new Map<Life, Seen>()
  #lags: { readonly life: Life, readonly atMs: number, readonly lagMs: number }[] = []
  #isStopped = false
  #running: Promise<void> = Promise.resolve()

  constructor (lives: () => readonly Life[]) {
    this.#lives = lives
  }

  start (): void {
    this.#running = this.#run()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** What this one told last; it may be dead since. Null: nothing yet. */
  lastOf (life: Life): Seen | null {
    return this.#last.get(life) ?? null
  }

  /** By how much a turn of this one's event loop was late, at worst, in the last two seconds. */
  recentLagMs (life: Life): number {
    const sinceMs = performance.now() - lagsKeptMs
    return Math.max(0, ...this.#lags.filter(lag => lag.life === life && lag.atMs > sinceMs).map(({ lagMs }) => lagMs))
  }

  async #read (life: Life): Promise<void> {
    let series: Map<string, number>
    try {
      series = await scrape(life.adminUrl)
    } catch (err) {
      if (!life.isEnding) this.#fault(`${life.name} gives no metrics: ${String(err)}`)
      return
    }
    this.samples++
    const seen = { series, books: booksOf(series), atMs: performance.now() }
    const last = this.lastOf(life)
    const { recorded, recovered, written, dropped, waiting, spooled } = seen.books
    const tooMuch = recorded + recovered - written - dropped - waiting - spooled
    if (tooMuch !== 0) this.#fault(`${life.name}: off by ${tooMuch}: ${JSON.stringify(seen.books)}, before: ${JSON.stringify(last?.books)}`)
    if (Math.min(recorded, recovered, written, dropped, waiting, spooled) < 0) this.#fault(`${life.name}: fewer than none: ${JSON.stringify(seen.books)}`)
    if (waiting + spooled > 0) this.samplesWithRowsUnderWay++
    if (last !== null) this.#compare(life, last.series, series)
    this.#last.set(life, seen)
    // Since it was asked last, which the first time is its start; the resolution with which it is measured is in it.
    const lagMs = last === null ? 0 : (series.get('nodejs_eventloop_lag_max_seconds') ?? 0) * 1000 - lagResolutionMs
    this.#lags = [...this.#lags.filter(({ atMs }) => atMs > seen.atMs - lagsKeptMs), { life, atMs: seen.atMs, lagMs }]
  }

  #compare (life: Life, before: Map<string, number>, now: Map<string, number>): void {
    for (const [name, value] of before) {
      if (counting.test(name) && !((now.get(name) ?? -1) >= value)) this.#fault(`${life.name}: ${name} fell from ${value} to ${now.get(name)}`)
    }
  }

  #fault (text: string): void {
    if (this.faults.length < faultsMax) this.faults.push(text)
  }

  async #run (): Promise<void> {
    while (!this.#isStopped) {
      await Promise.all(this.#lives().filter(({ isEnding }) => !isEnding).map(async life => await this.#read(life)))
      await delay(everyMs)
    }
  }
}

/** NaN where a series is missing, with which nothing balances. */
function booksOf (series: Map<string, number>): UsageBooks {
  const rows = (result: string) => series.get(`latchkey_usage_rows_total{result="${result}"}`) ?? NaN
  return {
    recorded: rows('recorded'),
    recovered: rows('recovered'),
    written: rows('written'),
    dropped: rows('dropped'),
    waiting: series.get('latchkey_usage_waiting_rows') ?? NaN,
    spooled: series.get('latchkey_usage_spooled_rows') ?? NaN,
  }
}
