import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const everyMs = 50
/** As far back as matters for a kill. */
const rememberedMs = 2_000

/**
 * How late this process gets to do what a gateway does to have a row on the disk: wait for a timer, and write to a file.
 * On a machine with more to do than it can, that is what a gateway is late by, too, and no fault of its own.
 */
export class Lateness {
  readonly #folder = mkdtempSync(join(tmpdir(), 'latchkey-lateness-'))
  #beats: { readonly atMs: number, readonly lateMs: number }[] = []
  #beganAtMs = performance.now()
  #isStopped = false
  #running: Promise<void> = Promise.resolve()
  worstMs = 0

  start (): void {
    this.#running = this.#run()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Of the last two seconds the worst, the beat that is under way included. */
  get recentMs (): number {
    const nowMs = performance.now()
    const underWayMs = Math.max(0, nowMs - this.#beganAtMs - everyMs)
    this.worstMs = Math.max(this.worstMs, underWayMs)
    return Math.max(underWayMs, ...this.#beats.filter(({ atMs }) => atMs > nowMs - rememberedMs).map(({ lateMs }) => lateMs))
  }

  async #run (): Promise<void> {
    const file = await open(join(this.#folder, 'beats'), 'w')
    while (!this.#isStopped) {
      this.#beganAtMs = performance.now()
      await delay(everyMs)
      await file.write('beat')
      const atMs = performance.now()
      const lateMs = atMs - this.#beganAtMs - everyMs
      this.worstMs = Math.max(this.worstMs, lateMs)
      this.#beats = [...this.#beats.filter(beat => beat.atMs > atMs - rememberedMs), { atMs, lateMs }]
    }
    await file.close()
  }
}
