import { Buffer } from 'node:buffer'
import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import type { BcryptAnswer, BcryptTask } from './bcrypt-process.ts'
import { BcryptWorker } from './bcrypt-worker.ts'
import { keyBytesMax } from './format.ts'

/** The queue is full: whoever asked should answer 503 rather than wait. */
export class BcryptBusyError extends Error {
  override readonly name = 'BcryptBusyError'
}

/** What compares keys with stored hashes: a pool of this process, or one that processes share. */
export interface BcryptComparer {
  /** See BcryptPool. */
  compare (key: string, hash: string): Promise<boolean>
  stats (): { readonly running: number, readonly waiting: number }
}

interface Job {
  readonly task: BcryptTask
  readonly lane: Lane
  readonly promise: Promise<boolean | string>
  readonly resolve: (result: boolean | string) => void
  readonly reject: (err: Error) => void
  deaths: number
}

/** Compares with one stored hash run one at a time, so that a guessed prefix can't occupy every thread. */
interface Lane {
  readonly name: string
  readonly waiting: Job[]
  running: Job | null
}

const wellFormed = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
/** A stored hash of a higher cost (cost 31 takes days) would be a way to stop the gateway by one row. */
const costMax = 16
const jobTimeoutMs = 60_000
const restartDelayMsMax = 5000

/**
 * bcrypt in a process of its own, forked at first use. At most `queueMax` calls wait; a lane may hold a quarter of
 * them. Calls in flight when the process dies are tried once more.
 */
export class BcryptPool implements BcryptComparer {
  readonly #queueMax: number
  readonly #laneMax: number
  readonly #logger: Logger
  readonly #concurrency = Math.max(1, availableParallelism() - 1)
  readonly #lanes = new Map<string, Lane>()
  /** Lanes with something waiting and nothing running, in the order in which they take turns. */
  readonly #ready = new Set<Lane>()
  readonly #running = new Map<number, { readonly job: Job, readonly timer: NodeJS.Timeout }>()
  #waiting = 0
  #lastId = 0
  #worker: BcryptWorker | null = null
  #deathsInARow = 0
  #restartTimer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor ({ queueMax, logger }: { readonly queueMax: number, readonly logger: Logger }) {
    this.#queueMax = queueMax
    this.#laneMax = Math.max(1, Math.ceil(queueMax / 4))
    this.#logger = logger
  }

  /**
   * Whether the key's hash is this one. `$2y$` is read as `$2b$`, which it equals but for the name; a malformed hash
   * and a key over 72 bytes match nothing. Rejects with BcryptBusyError, or an Error when the process can't run.
   */
  async compare (key: string, hash: string): Promise<boolean> {
    const cost = Number(wellFormed.exec(hash)?.[1])
    if (!(cost >= 4 && cost <= costMax) || Buffer.byteLength(key) > keyBytesMax) return false
    const normal = `$2${hash[2] === 'y' ? 'b' : hash[2]}${hash.slice(3)}`
    return await this.#submit(normal, (id) => ({ id, kind: 'compare', key, hash: normal })) === true
  }

  /** A new bcrypt hash (`$2b$`). Rejects with RangeError over 72 bytes, otherwise as `compare` does. */
  async hash (key: string, cost: number): Promise<string> {
    if (Buffer.byteLength(key) > keyBytesMax) throw new RangeError('bcrypt ignores what exceeds 72 bytes')
    return String(await this.#submit(null, (id) => ({ id, kind: 'hash', key, cost })))
  }

  stats (): { running: number, waiting: number } {
    return { running: this.#running.size, waiting: this.#waiting }
  }

  /** Of the process; null while none runs. */
  get pid (): number | null {
    return this.#worker?.pid ?? null
  }

  /** Ends the process; whatever waits is rejected. */
  async close (): Promise<void> {
    this.#isClosed = true
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    const err = new Error('bcrypt was closed')
    for (const { job, timer } of this.#running.values()) {
      clearTimeout(timer)
      job.reject(err)
    }
    for (const lane of this.#lanes.values()) {
      for (const job of lane.waiting) job.reject(err)
    }
    this.#running.clear()
    this.#lanes.clear()
    this.#ready.clear()
    this.#waiting = 0
    await this.#worker?.close()
  }

  #submit (laneName: string | null, taskOf: (id: number) => BcryptTask): Promise<boolean | string> {
    if (this.#isClosed) return Promise.reject(new Error('bcrypt was closed'))
    const task = taskOf(++this.#lastId)
    const lane = this.#laneOf(laneName ?? `hash ${task.id}`)
    const same = [lane.running, ...lane.waiting].find((job) => job?.task.key === task.key)
    if (same) return same.promise
    if (this.#waiting >= this.#queueMax || lane.waiting.length >= this.#laneMax) {
      this.#dropIfEmpty(lane)
      return Promise.reject(new BcryptBusyError('Too many bcrypt calls are waiting'))
    }
    const { promise, ...settlers } = deferred<boolean | string>()
    lane.waiting.push({ task, lane, promise, ...settlers, deaths: 0 })
    this.#waiting++
    if (lane.running === null) this.#ready.add(lane)
    this.#dispatch()
    return promise
  }

  #dispatch (): void {
    for (const lane of this.#ready) {
      const worker = this.#running.size < this.#concurrency ? this.#workerOrNull() : null
      if (worker === null) return
      this.#ready.delete(lane)
      const job = lane.waiting.shift()
      if (job === undefined) continue
      this.#waiting--
      lane.running = job
      const timer = setTimeout(() => this.#worker?.kill(), jobTimeoutMs)
      this.#running.set(job.task.id, { job, timer })
      worker.send(job.task)
    }
  }

  /** Null while a process that keeps dying is left alone for a moment. */
  #workerOrNull (): BcryptWorker | null {
    if (this.#restartTimer !== null) return null
    this.#worker ??= new BcryptWorker({
      threads: this.#concurrency,
      onAnswer: (answer) => this.#onAnswer(answer),
      onDeath: (reason) => this.#onDeath(reason),
    })
    return this.#worker
  }

  #onAnswer (answer: BcryptAnswer): void {
    const running = this.#running.get(answer.id)
    if (running === undefined) return
    this.#deathsInARow = 0
    this.#settle(running.job, running.timer)
    if ('error' in answer) running.job.reject(new Error(`bcrypt: ${answer.error}`))
    else running.job.resolve(answer.result)
    if (this.#running.size === 0) this.#worker?.unref()
    this.#dispatch()
  }

  #onDeath (reason: string): void {
    this.#worker = null
    if (this.#isClosed) return
    this.#deathsInARow++
    this.#logger.error({ reason, deathsInARow: this.#deathsInARow, inFlight: this.#running.size }, 'The bcrypt process died')
    for (const { job, timer } of [...this.#running.values()]) {
      this.#settle(job, timer)
      if (++job.deaths > 1) job.reject(new Error(`The bcrypt process died twice: ${reason}`))
      else this.#putBack(job)
    }
    // The first restart is immediate, so that one crash costs nobody a failure; the next ones wait.
    if (this.#deathsInARow > 1) {
      this.#restartTimer = setTimeout(() => {
        this.#restartTimer = null
        this.#dispatch()
      }, Math.min(restartDelayMsMax, 50 * 2 ** Math.min(this.#deathsInARow, 10)))
    }
    this.#dispatch()
  }

  #settle (job: Job, timer: NodeJS.Timeout): void {
    clearTimeout(timer)
    this.#running.delete(job.task.id)
    job.lane.running = null
    if (job.lane.waiting.length > 0) this.#ready.add(job.lane)
    else this.#dropIfEmpty(job.lane)
  }

  #putBack (job: Job): void {
    this.#lanes.set(job.lane.name, job.lane)
    job.lane.waiting.unshift(job)
    this.#waiting++
    this.#ready.add(job.lane)
  }

  #laneOf (name: string): Lane {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { name, waiting: [], running: null }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  #dropIfEmpty (lane: Lane): void {
    if (lane.running === null && lane.waiting.length === 0) this.#lanes.delete(lane.name)
  }
}

function deferred<T> () {
  let settlers: { resolve: (value: T) => void, reject: (err: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settlers = { resolve, reject }
  })
  // The executor has run by now: promises call it at once.
  return { promise, ...settlers as NonNullable<typeof settlers> }
}
