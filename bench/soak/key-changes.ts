import { setTimeout as delay } from 'node:timers/promises'
import type { KeyDatabase } from '../key-database.ts'

const everyMs = 200

/** Changes keys by plain SQL all the time: disables, enables, renames, and has new ones made. */
export class KeyChanges {
  changes = 0
  readonly #database: KeyDatabase
  readonly #keys: readonly string[]
  #isStopped = false
  #running: Promise<void> = Promise.resolve()

  constructor (database: KeyDatabase, keys: readonly string[]) {
    this.#database = database
    this.#keys = keys
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
      const key = this.#keys[this.changes % this.#keys.length]!
      await this.#database.setActive(key, this.changes % 3 !== 0)
      if (this.changes % 25 === 0) await this.#database.createKeys(1)
      this.changes++
      await delay(everyMs)
    }
  }
}
