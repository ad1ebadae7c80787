import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { latenciesOf } from '../measure/percentiles.ts'
import { monotonicMs, untilMs } from './clock.ts'
import type { Job, Outcome } from './job.ts'
import { Lane } from './lane.ts'

const ticksPerSecondMax = 4_000
/** How early the clock wakes us, which is what waking takes. */
const leadMs = 0.06
/** How long answers are waited for after the last request was due. */
const patienceMs = 15_000
const refusedPauseMs = 50

/** Sends what its job says, once. */
export class Generator {
  readonly #job: Job
  readonly #keys: readonly string[]
  readonly #lanes: Lane[]
  readonly #latenciesMs: number[] = []
  readonly #latenessMs: number[] = []
  readonly #statuses: Record<string, number> = {}
  #answered = 0
  #broken = 0
  #unserved = 0
  #keysTaken = 0
  #isStopped = false
  #onDone: (lane: Lane, status: number) => void = () => {}

  constructor (job: Job, keys: readonly string[]) {
    this.#job = job
    this.#keys = keys
    this.#lanes = Array.from({ length: job.connections }, () => new Lane({ port: job.port, localAddress: job.localAddress, onDone: (lane, status) => this.#onDone(lane, status) }))
  }

  async run (): Promise<Outcome> {
    const { pace, fromMs } = this.#job
    if (pace.kind === 'each' && fromMs !== undefined) await untilMs(fromMs)
    const cpuBefore = process.cpuUsage()
    const startMs = monotonicMs()
    await new Promise<void>(resolve => {
      switch (pace.kind) {
        case 'fixed': return this.#runFixed(pace.perSecond, pace.seconds, resolve)
        case 'full': return this.#runFull(pace.seconds, resolve)
        case 'each': return this.#runEach(pace.deadlineSeconds, resolve)
      }
    })
    for (const lane of this.#lanes) lane.close()
    const { user, system } = process.cpuUsage(cpuBefore)
    return {
      requests: this.#latenciesMs.length,
      seconds: (monotonicMs() - Math.max(startMs, fromMs ?? startMs)) / 1000,
      statuses: this.#statuses,
      broken: this.#broken,
      unserved: this.#unserved,
      ...latenciesOf(this.#latenciesMs),
      lateP99Ms: latenciesOf(this.#latenessMs).p99Ms,
      cpuSeconds: (user + system) / 1e6,
    }
  }

  /** Sends nothing more at a fixed rate; what is under way is waited for. */
  stop (): void {
    this.#isStopped = true
  }

  #runFixed (perSecond: number, seconds: number, done: () => void): void {
    const planned = Math.round(perSecond * seconds)
    let total = planned
    const ticks = Math.ceil(Math.min(perSecond, ticksPerSecondMax) * seconds)
    const tickMs = seconds * 1000 / ticks
    const startMs = monotonicMs() + 100
    const dueMs = (i: number) => startMs + Math.floor(i * ticks / planned) * tickMs
    const free = [...this.#lanes]
    let due = 0
    let sent = 0
    const clock = new Worker(join(import.meta.dirname, 'ticker.mjs'), { workerData: { startMs, tickMs, ticks, leadMs } })
    const deadline = setTimeout(end, seconds * 1000 + patienceMs)
    clock.on('message', () => {
      const now = monotonicMs()
      if (this.#isStopped) {
        total = due
        if (this.#answered === total) end()
      }
      for (; due < total && dueMs(due) <= now + leadMs; due++) {
        if (free.length > 0 && this.#counts(dueMs(due))) this.#latenessMs.push(Math.max(0, now - dueMs(due)))
        sendDue()
      }
    })
    this.#onDone = (lane, status) => {
      this.#note(lane, status)
      free.push(lane)
      if (this.#answered === total) end()
      else if (sent < due) sendDue()
    }

    const sendDue = () => {
      // The one that has rested longest, so that all are used.
      const lane = free.shift()
      if (lane === undefined) return
      // Woken a little early, it is timed from when it was sent.
      this.#ask(lane, Math.min(dueMs(sent++), monotonicMs()), this.#takeKey())
    }
    function end (): void {
      clearTimeout(deadline)
      clock.terminate().catch(() => {})
      done()
    }
  }

  #runFull (seconds: number, done: () => void): void {
    let isOver = false
    let underWay = this.#lanes.length
    const deadline = setTimeout(done, seconds * 1000 + patienceMs)
    setTimeout(() => { isOver = true }, seconds * 1000)
    this.#onDone = (lane, status) => {
      this.#note(lane, status)
      if (!isOver) return this.#ask(lane, monotonicMs(), this.#takeKey())
      if (--underWay > 0) return
      clearTimeout(deadline)
      done()
    }
    for (const lane of this.#lanes) this.#ask(lane, monotonicMs(), this.#takeKey())
  }

  #runEach (deadlineSeconds: number, done: () => void): void {
    let left = this.#unserved = this.#keys.length
    let isOver = false
    const end = () => {
      isOver = true
      clearTimeout(deadline)
      done()
    }
    const deadline = setTimeout(end, deadlineSeconds * 1000)
    const startMs = monotonicMs()
    const again = (lane: Lane, key: string) => {
      if (!isOver) this.#ask(lane, startMs, key)
    }
    this.#onDone = (lane, status) => {
      this.#note(lane, status)
      if (status !== 200) {
        setTimeout(again, refusedPauseMs, lane, lane.key)
        return
      }
      this.#unserved = --left
      if (left === 0) end()
      else if (this.#keysTaken < this.#keys.length) this.#ask(lane, startMs, this.#takeKey())
    }
    for (const lane of this.#lanes.slice(0, left)) this.#ask(lane, startMs, this.#takeKey())
  }

  #ask (lane: Lane, fromMs: number, key: string): void {
    const { path, port, keyHeader } = this.#job
    lane.fromMs = fromMs
    lane.key = key
    lane.send(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${keyHeader}: ${key}\r\n\r\n`)
  }

  #takeKey (): string {
    return this.#keys[this.#keysTaken++ % this.#keys.length]!
  }

  #counts (dueMs: number): boolean {
    return dueMs >= (this.#job.fromMs ?? -Infinity)
  }

  #note (lane: Lane, status: number): void {
    this.#answered++
    if (!this.#counts(lane.fromMs)) return
    if (status === 0) this.#broken++
    else this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
    this.#latenciesMs.push(monotonicMs() - lane.fromMs)
  }
}
