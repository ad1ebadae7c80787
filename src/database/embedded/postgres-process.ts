import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { childEnvironment } from './child-environment.ts'
import { identity, type ServerUser } from './server-user.ts'

export interface PostgresOptions {
  readonly binaries: Binaries
  /** An existing cluster. */
  readonly folder: string
  /** Standard error of the server is appended to it. */
  readonly logFile: string
  readonly user: ServerUser | null
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
}

const startTimeoutMs = 60_000
const fastShutdownMs = 15_000
const immediateShutdownMs = 5_000
const pollMs = 10

/**
 * One run of a PostgreSQL server, reached over loopback only. It lives in a session of its own, so that Ctrl-C in our
 * terminal doesn't stop it before we have flushed. It doesn't keep our event loop alive.
 */
export class PostgresProcess {
  readonly pid: number
  /** Resolves, never rejects, once the server has ended, for whatever reason. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  #hasExited = false

  /** Spawns the server, or throws; it accepts connections once `waitUntilReady` has resolved. */
  constructor ({ binaries, folder, logFile, user, port, settings }: PostgresOptions) {
    const all = {
      ...settings,
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
    }
    const log = openSync(logFile, 'a', 0o600)
    try {
      this.#child = spawn(
        binaries.postgres,
        ['-D', folder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        { cwd: '/', env: childEnvironment, detached: true, stdio: ['ignore', 'ignore', log], ...identity(user) }
      )
    } finally {
      closeSync(log)
    }
    this.exited = new Promise((resolve) => {
      const ended = (): void => {
        this.#hasExited = true
        resolve()
      }
      this.#child.once('exit', ended)
      this.#child.once('error', ended)
    })
    if (this.#child.pid === undefined) throw new Error(`${binaries.postgres} can't be run`)
    this.pid = this.#child.pid
    this.#child.unref()
  }

  get hasExited (): boolean {
    return this.#hasExited
  }

  /** Waits for recovery to end and connections to be accepted. Rejects when the server ends or takes over a minute. */
  async waitUntilReady (folder: string): Promise<void> {
    const file = path.join(folder, 'postmaster.pid')
    const deadlineMs = Date.now() + startTimeoutMs
    while (Date.now() < deadlineMs) {
      if (this.#hasExited) throw new Error('PostgreSQL ended while starting')
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
      // The file may still be an earlier run's, hence the look at its first line.
      if (lines[0] === String(this.pid) && lines[7]?.trim() === 'ready') return
      await delay(pollMs)
    }
    throw new Error('PostgreSQL did not become ready in time')
  }

  /** Fast shutdown: ends sessions and writes a checkpoint. Harder means follow when that takes too long. */
  async stop (): Promise<void> {
    // Without this the process could end while it waits for the server.
    this.#child.ref()
    for (const [signal, timeoutMs] of [['SIGINT', fastShutdownMs], ['SIGQUIT', immediateShutdownMs], ['SIGKILL', 0]] as const) {
      if (this.#hasExited) return
      this.#child.kill(signal)
      if (timeoutMs === 0) break
      await this.#exitedWithin(timeoutMs)
    }
    await this.exited
  }

  async #exitedWithin (timeoutMs: number): Promise<void> {
    const timer = new AbortController()
    await Promise.race([this.exited, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  }
}

/** A TCP port of loopback that was free a moment ago. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
