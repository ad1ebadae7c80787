import type { GatewayProcess } from '../gateway-process.ts'

/** One process' life, or that of a primary with its workers. Moments are of performance.now(). */
export class Life {
  readonly name: string
  readonly process: GatewayProcess
  /** Taken before each SIGKILL, to it or to one of its workers. */
  readonly killedAtMs: number[] = []
  /** Whether it takes requests, as far as those know who ask. */
  isServing = true
  /** Killed, or told to end: that it doesn't answer is no fault. */
  isEnding = false

  constructor (name: string, process: GatewayProcess) {
    this.name = name
    this.process = process
  }

  get adminUrl (): string {
    return this.process.adminUrl
  }
}
