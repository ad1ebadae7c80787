import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { latchkeyProgram } from '../support/cli.ts'
import { until } from '../support/until.ts'

export interface GatewayOptions {
  readonly name: string
  /** Where its logs go. */
  readonly folder: string
  readonly configFile: string
  readonly databaseUrl: string
  readonly pepper: string
}

/** One gateway, restarted now and then: `latchkey start` in a process of its own. */
export class Gateway {
  readonly name: string
  readonly #options: GatewayOptions
  #child: ChildProcess | null = null
  #life = 0
  /** Only what clients may know: where it listens. */
  url = ''
  adminUrl = ''
  /** Whether clients ask it: until one of them is refused, as they aren't told beforehand that it ends. */
  isUp = false

  constructor (options: GatewayOptions) {
    this.name = options.name
    this.#options = options
  }

  get life (): number {
    return this.#life
  }

  #logFile (life = this.#life): string {
    return join(this.#options.folder, `${this.name}-${life}.log`)
  }

  /** Resolves once it is ready. Rejects with what it logged when it ends before. */
  async start (): Promise<void> {
    const { configFile, databaseUrl, pepper, folder } = this.#options
    this.#life++
    const log = openSync(this.#logFile(), 'a')
    const child = spawn(process.execPath, [...latchkeyProgram, 'start', '--config', configFile], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        LATCHKEY_KEY_PEPPER: pepper,
        LATCHKEY_HOST: '127.0.0.1',
        LATCHKEY_PORT: '0',
        LATCHKEY_ADMIN_HOST: '127.0.0.1',
        LATCHKEY_ADMIN_PORT: '0',
        LOG_LEVEL: 'info',
      },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    let text = ''
    await until(async () => {
      text = await readFile(this.#logFile(), 'utf8')
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`gateway ${this.name} ended while starting:\n${text}`)
      return text.includes('"ready: the key store was reached"')
    }, `gateway ${this.name} is ready`, { timeoutMs: 60_000 })
    const listening = JSON.parse(text.split('\n').find(line => line.includes('"msg":"listening"')) ?? '{}') as { gatewayUrl: string, adminUrl: string }
    this.url = listening.gatewayUrl
    this.adminUrl = listening.adminUrl
    this.isUp = true
  }

  /** SIGTERM. Resolves with how it ended. */
  async stop (): Promise<string> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return 'it had ended before'
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    child.kill('SIGTERM')
    const [code, signal] = await ended
    this.isUp = false
    return code === 0 ? 'in order' : `code ${code}, signal ${signal}`
  }

  /** Null while it runs. */
  get ending (): string | null {
    const child = this.#child
    return child === null || (child.exitCode === null && child.signalCode === null) ? null : `code ${child.exitCode}, signal ${child.signalCode}`
  }

  hangUp (): void {
    this.#child?.kill('SIGHUP')
  }

  /** SIGKILL to its bcrypt process; false where it has none. */
  async killBcrypt (): Promise<boolean> {
    const parent = this.#child?.pid
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(ppid) !== parent) continue
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
      if (!command.includes('bcrypt-process')) continue
      process.kill(Number(name), 'SIGKILL')
      return true
    }
    return false
  }

  /** Of its present life, or of another. */
  async logLinesWith (text: string, life?: number): Promise<string[]> {
    const lines = (await readFile(this.#logFile(life), 'utf8').catch(() => '')).split('\n')
    return lines.filter(line => line.includes(text))
  }

  kill (): void {
    this.#child?.kill('SIGKILL')
  }
}
