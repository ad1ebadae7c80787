import { closeSync, openSync, readSync } from 'node:fs'

/** Of this process, the thread that runs JavaScript, without those that collect garbage, compile, or wait for files. Linux only. */
export class MainThread {
  readonly #file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  readonly #text = Buffer.alloc(64)

  /** CPU time that it has had. */
  cpuMs (): number {
    const length = readSync(this.#file, this.#text, 0, this.#text.length, 0)
    return Number.parseInt(this.#text.toString('latin1', 0, length), 10) / 1e6
  }

  close (): void {
    closeSync(this.#file)
  }
}
