import { type ChildProcess, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { extname, join } from 'node:path'
import type { BcryptAnswer, BcryptTask } from './bcrypt-process.ts'

export interface BcryptWorkerOptions {
  readonly threads: number
  readonly onAnswer: (answer: BcryptAnswer) => void
  /** Once, for whatever reason it ended, unless `close` ended it. */
  readonly onDeath: (reason: string) => void
}

/** The life of one bcrypt process. It keeps this one alive only while a task is in flight, and ends with it. */
export class BcryptWorker {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #onDeath: (reason: string) => void
  #isOver = false

  constructor ({ threads, onAnswer, onDeath }: BcryptWorkerOptions) {
    this.#onDeath = onDeath
    // The whole environment: none of ours is needed there, so no secret of ours can leak there.
    const env = { UV_THREADPOOL_SIZE: String(threads) }
    const entry = join(import.meta.dirname, `bcrypt-process${extname(import.meta.filename)}`)
    const execArgv = process.execArgv.filter((arg) => !arg.startsWith('--inspect'))
    this.#child = fork(entry, { env, execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    // From here and at once: on Linux the priority is a thread's, and the child's threads inherit it from its first.
    this.#lowerPriority()
    this.#child.on('message', (answer) => onAnswer(answer as BcryptAnswer))
    this.#child.on('error', (err) => this.#over(err.message))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#over(signal === null ? `exit code ${code}` : `signal ${signal}`)
        resolve()
      })
      if (this.#child.pid === undefined) this.#child.once('error', () => resolve())
    })
    this.unref()
  }

  get pid (): number | undefined {
    return this.#child.pid
  }

  send (task: BcryptTask): void {
    this.#child.channel?.ref()
    this.#child.ref()
    this.#child.send(task, (err) => {
      if (err !== null) this.kill()
    })
  }

  /** Nothing is in flight any more: let this process end if it has nothing else to do. */
  unref (): void {
    this.#child.channel?.unref()
    this.#child.unref()
  }

  kill (): void {
    this.#child.kill('SIGKILL')
  }

  async close (): Promise<void> {
    this.#isOver = true
    this.#child.ref()
    this.kill()
    await this.#ended
  }

  #over (reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    // An 'error' may mean that it lives but can't be talked to.
    this.kill()
    this.#onDeath(reason)
  }

  #lowerPriority (): void {
    if (this.#child.pid === undefined) return
    try {
      setPriority(this.#child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // Already gone, which 'exit' reports, or not permitted, which costs only fairness.
    }
  }
}
