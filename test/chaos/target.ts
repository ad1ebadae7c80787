import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Sighting } from './exchange.ts'
import type { TargetNews, TargetOrder } from './target-process.ts'

/** One target of the upstream. It keeps its port over kills. */
export class Target {
  readonly name: string
  readonly #onSighting: (sighting: Sighting) => void
  #child: ChildProcess | null = null
  #port = 0

  constructor (name: string, onSighting: (sighting: Sighting) => void) {
    this.name = name
    this.#onSighting = onSighting
  }

  get url (): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Resolves once it listens. */
  async start (): Promise<void> {
    const child = fork(join(import.meta.dirname, 'target-process.ts'), [this.name, String(this.#port)])
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`target ${this.name} ended while starting`)))
      child.on('message', (news: TargetNews) => {
        if ('sighting' in news) return this.#onSighting(news.sighting)
        this.#port = news.port
        resolve()
      })
    })
  }

  freeze (): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw (): void {
    this.#child?.kill('SIGCONT')
  }

  reset (isResetting: boolean): void {
    const order: TargetOrder = { isResetting }
    this.#child?.send(order)
  }

  async kill (): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
