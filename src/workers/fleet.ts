import type { Logger } from 'pino'
import type { FromWorker, ToWorker } from './messages.ts'
import { Worker } from './worker.ts'

export interface FleetOptions {
  readonly size: number
  /** Begins the names of the workers' spools. */
  readonly spoolFamily: string
  readonly onMessage: (message: FromWorker, worker: Worker) => void
  /** Before its successor is started. */
  readonly onEnd: (worker: Worker) => void
  /** What a new worker is to be told first. */
  readonly greet: (worker: Worker) => void
  readonly logger: Logger
}

/** A worker that lived for shorter has failed again; the longer that goes on, the longer the next try waits. */
const steadyAfterMs = 10_000
const retryMs = { least: 100, most: 10_000 } as const
/** At the start, before all are up: after so many deaths of one number without a reason given, we give up. */
const startTriesMax = 3
const beatEveryMs = 1_000
/** Seconds without a report: its event loop is stuck, and its clients with it. */
const silentMax = 30

/** Keeps as many workers as there should be: one that dies is replaced at once, one that keeps dying less and less often. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #workers = new Set<Worker>()
  readonly #quickDeaths = new Map<number, number>()
  readonly #retries = new Set<NodeJS.Timeout>()
  readonly #ticker: NodeJS.Timeout
  #starting: { readonly resolve: () => void, readonly reject: (err: Error) => void } | null = null
  #replacements = 0
  #forks = 0
  #isClosing = false

  constructor (options: FleetOptions) {
    this.#options = options
    this.#ticker = setInterval(() => this.#endStuck(), beatEveryMs).unref()
  }

  /** Resolves when all are up. Rejects with the reason that one gives for not starting, or when one dies again and again. */
  async start (): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#starting = { resolve, reject }
      for (let number = 1; number <= this.#options.size; number++) this.#fork(number)
    })
  }

  /** Of all that live, those on their way out included. */
  get all (): readonly Worker[] {
    return [...this.#workers]
  }

  /** Of those that take connections. */
  get up (): readonly Worker[] {
    return this.all.filter(({ isUp }) => isUp)
  }

  /** Workers started in place of others. */
  get replacements (): number {
    return this.#replacements
  }

  broadcast (message: ToWorker, except?: Worker): void {
    for (const worker of this.#workers) if (worker !== except) worker.send(message)
  }

  /** Lets all end in order, which each does on its own; kills those that haven't within `timeoutMs`. */
  async close (message: ToWorker, timeoutMs: number): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#ticker)
    for (const timer of this.#retries) clearTimeout(timer)
    for (const worker of this.#workers) {
      if (worker.isUp) worker.send(message)
      else if (!worker.isLeaving) worker.kill()
    }
    const timer = setTimeout(() => {
      for (const worker of this.#workers) {
        this.#options.logger.error({ worker: worker.number, pid: worker.pid }, 'a worker did not end in time and is killed')
        worker.kill()
      }
    }, timeoutMs)
    await Promise.all(Array.from(this.#workers, ({ ended }) => ended))
    clearTimeout(timer)
  }

  #fork (number: number): void {
    const spoolName = `${this.#options.spoolFamily}${++this.#forks}`
    const worker = new Worker({ number, spoolName, onMessage: (message, from) => this.#onMessage(message, from), onEnd: (reason, ended) => this.#onEnd(reason, ended) })
    this.#workers.add(worker)
    this.#options.greet(worker)
  }

  #onMessage (message: FromWorker, worker: Worker): void {
    if (message.type === 'up') worker.isUp = true
    if (message.type === 'failed') this.#onFailure(message.message, worker)
    this.#options.onMessage(message, worker)
    if (message.type === 'up') this.#startedIfAll()
  }

  #startedIfAll (): void {
    if (this.#starting === null || this.up.length < this.#options.size) return
    this.#starting.resolve()
    this.#starting = null
  }

  /** Its successor needn't wait until it has ended. */
  #onFailure (reason: string, worker: Worker): void {
    worker.failure = reason
    if (worker.isLeaving) return
    const wasUp = worker.isUp
    worker.isLeaving = true
    worker.isUp = false
    if (!wasUp) worker.disconnect()
    if (this.#starting === null) return this.#replace(worker, wasUp ? reason : `it cannot start: ${reason}`)
    this.#starting.reject(new Error(reason))
    this.#starting = null
  }

  #onEnd (reason: string, worker: Worker): void {
    this.#workers.delete(worker)
    this.#options.onEnd(worker)
    if (!worker.isLeaving && !this.#isClosing) {
      worker.isLeaving = true
      this.#replace(worker, reason)
    } else if (this.#isClosing && worker.failure === null && reason !== 'exit code 0') {
      this.#options.logger.error({ worker: worker.number, pid: worker.pid, reason }, 'a worker ended otherwise than in order')
    }
  }

  #replace ({ number, pid, startedAtMs }: Worker, reason: string): void {
    if (this.#isClosing) return
    const deaths = performance.now() - startedAtMs < steadyAfterMs ? (this.#quickDeaths.get(number) ?? 0) + 1 : 0
    this.#quickDeaths.set(number, deaths)
    if (this.#starting !== null && deaths >= startTriesMax) {
      this.#starting.reject(new Error(`the workers cannot start: ${reason}`))
      this.#starting = null
      return
    }
    // The first time at once, so that one crash costs little; after that, a loop must not burn the machine's time.
    const delayMs = deaths <= 1 ? 0 : Math.min(retryMs.most, retryMs.least * 2 ** Math.min(deaths, 10))
    this.#options.logger.error({ worker: number, pid, reason, deathsInARow: Math.max(deaths, 1), nextTryMs: delayMs }, 'a worker ended and is replaced')
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      this.#replacements++
      this.#fork(number)
    }, delayMs)
    this.#retries.add(timer)
  }

  #endStuck (): void {
    for (const worker of this.#workers) {
      if (++worker.silentFor < silentMax) continue
      this.#options.logger.error({ worker: worker.number, pid: worker.pid, silentSeconds: worker.silentFor }, 'a worker is stuck and is killed')
      worker.kill()
    }
  }
}
