import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { extname, join } from 'node:path'
import type { NodeMetrics } from '../metrics/node-metrics.ts'
import { noNumbers, type ProcessNumbers } from '../metrics/process-numbers.ts'
import type { FromWorker, ToWorker } from './messages.ts'

export interface WorkerOptions {
  readonly number: number
  /** Of its own; its successor gets another. */
  readonly spoolName: string
  readonly onMessage: (message: FromWorker, worker: Worker) => void
  /** Once, for whatever reason it ended. */
  readonly onEnd: (reason: string, worker: Worker) => void
}

/** One worker process, as the primary sees it. */
export class Worker {
  readonly number: number
  readonly spoolName: string
  readonly startedAtMs = performance.now()
  readonly ended: Promise<void>
  /** Takes connections. */
  isUp = false
  hasReachedStore = false
  /** On its way out: takes no more connections. */
  isLeaving = false
  configVersion = 0
  /** As last told. */
  numbers: ProcessNumbers = noNumbers()
  /** Spools of workers before it that it was told to take over, and hasn't yet. */
  heirOf: readonly string[] = []
  node: NodeMetrics = []
  /** Reports that are overdue. */
  silentFor = 0
  /** Why it can't go on, in its own words. */
  failure: string | null = null
  readonly #child: ChildProcess
  #hasEnded = false

  constructor ({ number, spoolName, onMessage, onEnd }: WorkerOptions) {
    this.number = number
    this.spoolName = spoolName
    const entry = join(import.meta.dirname, `../commands/worker-process${extname(import.meta.filename)}`)
    // Its own log lines go where this process's go.
    this.#child = fork(entry, { execArgv: workerExecArgv(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', message => {
      this.silentFor = 0
      onMessage(message as FromWorker, this)
    })
    this.ended = new Promise(resolve => {
      const over = (reason: string): void => {
        if (this.#hasEnded) return
        this.#hasEnded = true
        this.isUp = false
        onEnd(reason, this)
        resolve()
      }
      // Its last messages may come after its exit. Node's own `close` isn't told where we disconnected first, nor
      // `disconnect` where a worker ended with a socket on its way that it hadn't acknowledged.
      const disconnected = new Promise(resolve => this.#child.once('disconnect', resolve).once('close', resolve))
      this.#child.once('exit', (code, signal) => {
        disconnected.then(() => over(signal === null ? `exit code ${code}` : `signal ${signal}`), () => {})
      })
      this.#child.on('error', err => {
        if (this.#child.pid === undefined) over(err.message)
      })
    })
  }

  get pid (): number | undefined {
    return this.#child.pid
  }

  /** Messages to a worker that has ended are lost, as it is. */
  send (message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** The socket stays open here, too, until the worker has said that it has it. */
  handOver (id: number, socket: Socket): void {
    const message: ToWorker = { type: 'connection', id }
    if (this.#child.connected) this.#child.send(message, socket, { keepOpen: true }, () => {})
  }

  /** Ends it once it has nothing left to do. */
  disconnect (): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  kill (): void {
    this.#child.kill('SIGKILL')
  }
}

/** The arguments that Node itself starts a worker with: those of this process, but for a debugger's port, which only one can have. */
function workerExecArgv (): string[] {
  return process.execArgv.filter(arg => !arg.startsWith('--inspect'))
}
