import { stat, truncate } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import type { Binaries } from './binaries.ts'
import { superuser } from './cluster.ts'
import { endOrphan } from './orphan.ts'
import { freePort, PostgresProcess } from './postgres-process.ts'
import type { ServerUser } from './server-user.ts'
import { watchOver, type Watchdog } from './watchdog.ts'

export interface EmbeddedServerOptions {
  readonly binaries: Binaries
  /** An existing cluster, of which the caller is the one owner. */
  readonly clusterFolder: string
  readonly logFile: string
  readonly password: string
  readonly user: ServerUser | null
  readonly connectionsMax: number
  readonly logger: Logger
}

const databaseName = 'latchkey'
const startTriesMax = 3
const restartDelayMinMs = 100
const restartDelayMaxMs = 5_000
const logBytesMax = 8 * 1024 * 1024
const logCheckEveryMs = 60_000

/** A server for one machine's gateway: small, durable, and with no row's content in its log. */
const settings = {
  shared_buffers: '64MB',
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

/**
 * The embedded PostgreSQL while it is ours: started, watched, started again on the same port when it ends by itself,
 * and stopped. Its database is named `latchkey`.
 */
export class EmbeddedServer {
  readonly #options: EmbeddedServerOptions
  #port = 0
  #process: PostgresProcess | null = null
  #watchdog: Watchdog | null = null
  #logTimer: NodeJS.Timeout | null = null
  readonly #stopping = new AbortController()
  #restarting: Promise<void> = Promise.resolve()

  constructor (options: EmbeddedServerOptions) {
    this.#options = options
  }

  get url (): string {
    return this.#urlOf(databaseName)
  }

  /** Rejects when the server can't be started; nothing is left running then. */
  async start (): Promise<void> {
    await this.#boundLog()
    for (let tries = 1; ; tries++) {
      this.#port = await freePort()
      try {
        await this.#spawn()
        break
      } catch (err) {
        // Most likely another process took the port in the meantime.
        if (tries === startTriesMax) throw new Error(`The embedded PostgreSQL doesn't start; see ${this.#options.logFile}`, { cause: err })
      }
    }
    try {
      await this.#ensureDatabase()
    } catch (err) {
      await this.stop()
      throw err
    }
    this.#logTimer = setInterval(() => { this.#boundLog() }, logCheckEveryMs).unref()
  }

  async stop (): Promise<void> {
    this.#stopping.abort()
    if (this.#logTimer !== null) clearInterval(this.#logTimer)
    await this.#process?.stop()
    await this.#restarting
    this.#watchdog?.close()
  }

  async #spawn (): Promise<void> {
    const { binaries, clusterFolder, logFile, user, connectionsMax } = this.#options
    await endOrphan(clusterFolder)
    const server = new PostgresProcess({ binaries, folder: clusterFolder, logFile, user, port: this.#port, settings: { ...settings, max_connections: String(connectionsMax) } })
    const watchdog = watchOver(server.pid, clusterFolder, user)
    this.#process = server
    this.#watchdog = watchdog
    try {
      await server.waitUntilReady(clusterFolder)
    } catch (err) {
      await server.stop()
      watchdog.close()
      throw err
    }
    server.exited.then(() => {
      watchdog.close()
      if (!this.#stopping.signal.aborted) this.#restarting = this.#restart()
    })
  }

  async #restart (): Promise<void> {
    const { logger, logFile } = this.#options
    logger.error({ logFile }, 'The embedded PostgreSQL ended by itself; starting it again')
    const { signal } = this.#stopping
    for (let delayMs = restartDelayMinMs; ; delayMs = Math.min(delayMs * 2, restartDelayMaxMs)) {
      await delay(delayMs, undefined, { ref: false, signal }).catch(() => {})
      if (signal.aborted) return
      try {
        await this.#spawn()
        logger.info('The embedded PostgreSQL runs again')
        return
      } catch (err) {
        if (!signal.aborted) logger.error({ err, logFile }, 'The embedded PostgreSQL doesn\'t start')
      }
    }
  }

  async #ensureDatabase (): Promise<void> {
    const client = new pg.Client(this.#urlOf('postgres'))
    client.on('error', () => {})
    await client.connect()
    try {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName])
      if (rowCount === 0) await client.query(`create database ${databaseName}`)
    } finally {
      await client.end()
    }
  }

  /** The server appends, so cutting the file under it is safe. */
  async #boundLog (): Promise<void> {
    const { logFile, logger } = this.#options
    try {
      if ((await stat(logFile)).size > logBytesMax) await truncate(logFile)
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') logger.warn({ err, logFile }, 'The embedded PostgreSQL\'s log can\'t be cut')
    }
  }

  #urlOf (database: string): string {
    return `postgres://${superuser}:${this.#options.password}@127.0.0.1:${this.#port}/${database}`
  }
}
