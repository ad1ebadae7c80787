import type { Test } from 'tap'
import { childrenOf } from '../../workers/workers.ts'
import type { GatewayProcesses } from '../gateway-process.ts'
import { Life } from './life.ts'

/** A gateway that is killed and started again, always on the same data folder. */
export class HarnessGateway {
  readonly name: string
  readonly dataFolder: string
  readonly lives: Life[] = []
  readonly #t: Test
  readonly #processes: GatewayProcesses
  readonly #environment: Readonly<Record<string, string>>
  readonly #lateMs: (life: Life) => number
  readonly #onLife: (life: Life) => void

  constructor (t: Test, processes: GatewayProcesses, options: { readonly name: string, readonly dataFolder: string, readonly databaseUrl?: string, readonly lateMs: (life: Life) => number, readonly onLife: (life: Life) => void }) {
    this.name = options.name
    this.dataFolder = options.dataFolder
    this.#t = t
    this.#processes = processes
    this.#environment = {
      LATCHKEY_DATA_DIR: options.dataFolder,
      ...options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl },
    }
    this.#lateMs = options.lateMs
    this.#onLife = options.onLife
  }

  /** The present one, or the last. */
  get life (): Life {
    return this.lives.at(-1)!
  }

  get isUp (): boolean {
    return this.lives.length > 0 && !this.life.isEnding
  }

  /** With `awaitsReady: false` as soon as it listens, the database being away. */
  async start ({ awaitsReady = true } = {}): Promise<Life> {
    const life = new Life(`${this.name}-${this.lives.length + 1}`, await this.#processes.start(this.#t, this.#environment, { awaitsReady }))
    this.lives.push(life)
    this.#onLife(life)
    return life
  }

  /** SIGKILL, in the same turn in which it is called. Resolves once it has ended. */
  async kill (): Promise<void> {
    this.#end()
    this.life.kills.push({ lateMs: this.#lateMs(this.life), atMs: performance.now() })
    this.life.process.cli.child.kill('SIGKILL')
    await this.life.process.cli.ended()
  }

  /** SIGKILL to the primary, and then to each of the processes that it has started. */
  async killAll (): Promise<void> {
    const children = [...childrenOf(this.life.process, 'worker-process'), ...childrenOf(this.life.process, 'bcrypt-process')]
    const killed = this.kill()
    for (const pid of children) killIfThere(pid)
    await killed
  }

  /** SIGKILL to one worker, which is replaced. Returns its process id. */
  killWorker (): number {
    const [pid] = childrenOf(this.life.process, 'worker-process')
    if (pid === undefined) throw new Error(`${this.name} has no worker`)
    this.life.kills.push({ lateMs: this.#lateMs(this.life), atMs: performance.now() })
    process.kill(pid, 'SIGKILL')
    return pid
  }

  /** SIGTERM. Throws unless it ends in order. */
  async stop (): Promise<void> {
    this.#end()
    const { cli } = this.life.process
    cli.child.kill('SIGTERM')
    const { code, signal } = await cli.ended()
    if (code !== 0) throw new Error(`${this.life.name} ended with ${code ?? signal}:\n${cli.stdout.slice(-2_000)}${cli.stderr}`)
  }

  #end (): void {
    this.life.isEnding = true
    this.life.isServing = false
  }
}

function killIfThere (pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch { /* It has ended with its primary. */ }
}
