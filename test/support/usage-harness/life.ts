import type { GatewayProcess } from '../gateway-process.ts'

/** One process' life, or that of a primary with its workers. Moments are of performance.now(). */
export class Life {
  readonly name: string
  readonly process: GatewayProcess
  /** Of it or of one of its workers. */
  readonly kills: Kill[] = []
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

/** A SIGKILL. */
export interface Kill {
  /** Taken before it. */
  readonly atMs: number
  /** By so much everything was late about then. */
  readonly lateMs: number
}
