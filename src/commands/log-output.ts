import { type Logger, pino } from 'pino'
import { serialisedError } from './serialised-error.ts'

/** What waits for a reader who has fallen behind. Lines beyond it are dropped and counted. */
const waitingBytesMax = 16 * 1024 * 1024
/** PIPE_BUF on Linux: what is written at once, whole lines, doesn't mix with what other processes write to the same pipe. */
const sharedBytesMax = 4096
const farewellMs = 2_000
const exitGraceMs = 500

/**
 * A server's log on standard output. A reader who stops reading, or a full disk, holds up neither requests nor the
 * shutdown, and costs a bounded amount of memory.
 */
export class LogOutput {
  readonly logger: Logger
  readonly #destination: ReturnType<typeof pino.destination>
  #linesDropped = 0
  #hasReader = true

  /** `worker`: this process's number. `isShared`: other processes write to the same output. */
  constructor (level: string, { worker, isShared }: { readonly worker?: number, readonly isShared: boolean }) {
    this.#destination = pino.destination({ fd: 1, sync: false, maxLength: waitingBytesMax, ...(isShared ? { maxWrite: sharedBytesMax } : {}) })
    this.logger = pino({ name: 'latchkey', level, serializers: { err: serialisedError } }, this.#destination)
    if (worker !== undefined) this.logger = this.logger.child({ worker })
    this.#destination.on('drop', () => { this.#linesDropped++ })
    this.#destination.on('drain', () => this.#sayDropped())
    // What could not be written is tried again with the next line; without a reader, pino lets go of all of them.
    this.#destination.on('error', (err: NodeJS.ErrnoException) => {
      if (err.code === 'EPIPE') this.#hasReader = false
    })
  }

  /** Writes what waits, for two seconds at most. Where that isn't enough, the process ends soon after. */
  async close (): Promise<void> {
    this.#sayDropped()
    this.logger.level = 'silent'
    if (!this.#hasReader || await this.#isWritten()) return
    // A write under way can't be called off and would keep the process, and pino's own exit hook would wait for ever.
    this.#destination.flushSync = () => {}
    setTimeout(() => process.exit(), exitGraceMs).unref()
  }

  async #isWritten (): Promise<boolean> {
    return await new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), farewellMs)
      this.#destination.once('close', () => {
        clearTimeout(timer)
        resolve(true)
      })
      this.#destination.end()
    })
  }

  #sayDropped (): void {
    const lines = this.#linesDropped
    if (lines === 0) return
    this.#linesDropped = 0
    this.logger.warn({ lines }, 'log lines dropped: nobody read them in time')
  }
}
