import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { loadConfig } from '../../src/config/load.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'
import type { Registry } from './changes.ts'
import { DatabasePath } from './database-path.ts'
import type { Sighting } from './exchange.ts'
import { Gateway } from './gateway.ts'
import { History } from './history.ts'
import { configFile, type ConfigVersion, faultyConfigFile } from './routes.ts'
import { Target } from './target.ts'

/** The gateways' own role: its connections and its writes can be taken away without touching those of the run. */
export const gatewayRole = 'gateway'
const rolePassword = 'chaos'
const gatewayNames = ['left', 'right'] as const

/** Everything real that a run consists of: a Postgres, two targets, two gateways, each with its way to the database. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'latchkey-chaos-'))
  readonly bcrypt = new BcryptPool({ queueMax: 1000, logger: pino({ level: 'silent' }) })
  readonly targets: readonly Target[]
  readonly gateways: Gateway[] = []
  readonly paths = new Map<string, DatabasePath>()
  readonly config: History<ConfigVersion>
  readonly #closers: (() => unknown)[] = []
  readonly #pepper = randomBytes(32)
  readonly #configFile = join(this.folder, 'gateway.yaml')
  #database: OwnPostgres | null = null
  #registry: Registry | null = null

  constructor (onSighting: (sighting: Sighting) => void) {
    this.targets = ['first', 'second'].map(name => new Target(name, onSighting))
    this.config = new History<ConfigVersion>('configuration', 'a')
    this.#closers.push(() => rmSync(this.folder, { recursive: true, force: true }))
    chmodSync(this.folder, 0o711)
  }

  async start (): Promise<void> {
    this.#closers.push(async () => await this.bcrypt.close())
    for (const target of this.targets) {
      await target.start()
      this.#closers.push(async () => await target.kill())
    }
    writeFileSync(this.#configFile, this.#textOf('a'))
    // Commits count once they are acknowledged, also over a crash of the server; not over one of the machine.
    const database = await startOwnPostgres({ teardown: close => { this.#closers.push(close) } }, { max_connections: '100', synchronous_commit: 'on', wal_keep_size: '512MB' })
    this.adopt(database)
    await this.database.pool.query(`
      create role ${gatewayRole} login bypassrls password '${rolePassword}';
      grant usage on schema public, auth, latchkey to ${gatewayRole};
      grant all on all tables in schema public, auth, latchkey to ${gatewayRole};
      grant all on all sequences in schema public, auth, latchkey to ${gatewayRole};
      grant execute on all functions in schema latchkey to ${gatewayRole}`)
    for (const name of gatewayNames) {
      const path = new DatabasePath(portOf(database.url))
      await path.open()
      this.#closers.push(async () => await path.refuse())
      this.paths.set(name, path)
      const url = new URL(database.url)
      url.username = gatewayRole
      url.password = rolePassword
      url.port = String(path.port)
      const gateway = new Gateway({ name, folder: this.folder, configFile: this.#configFile, databaseUrl: url.href, pepper: this.#pepper.toString('hex') })
      this.#closers.push(() => gateway.kill())
      this.gateways.push(gateway)
    }
    await Promise.all(this.gateways.map(async gateway => await gateway.start()))
  }

  get database (): OwnPostgres {
    return this.#database ?? notStarted()
  }

  get registry (): Registry {
    return this.#registry ?? notStarted()
  }

  /** The database from now on, of the run and, over ways that are opened again, of the gateways. */
  adopt (database: OwnPostgres): void {
    // No time-outs: a change has to be known as made or not made, however long that takes.
    const pool = new pg.Pool({ connectionString: database.url, max: 6 })
    pool.on('error', () => {})
    pool.on('connect', client => { client.on('error', () => {}) })
    this.#closers.push(async () => await pool.end())
    const { keys } = loadConfig(this.#configFile)
    this.#registry = { pool, manager: new KeyManager({ pool, peppers: new Peppers([this.#pepper]), bcrypt: this.bcrypt, config: keys }) }
    this.#database = database
    for (const path of this.paths.values()) path.retarget(portOf(database.url))
  }

  /** Ended with the run, unless it was before. */
  async startStandby (): Promise<OwnPostgres> {
    return await this.database.startStandby({ teardown: close => { this.#closers.push(close) } })
  }

  async terminate (application: string): Promise<void> {
    await this.registry.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and application_name like $2', [gatewayRole, application])
  }

  /** As an editor does it: whole or not at all. */
  writeConfig (version: ConfigVersion | 'faulty'): void {
    const unfinished = `${this.#configFile}.new`
    writeFileSync(unfinished, this.#textOf(version))
    renameSync(unfinished, this.#configFile)
  }

  async close (): Promise<string[]> {
    const faults: string[] = []
    for (const close of this.#closers.reverse()) {
      // One that can't be closed must not keep the others open. What a failover has closed says so.
      await Promise.resolve().then(close).catch((err: unknown) => { faults.push(String(err)) })
    }
    return faults
  }

  #textOf (version: ConfigVersion | 'faulty'): string {
    const targets = this.targets.map(({ url }) => url)
    return version === 'faulty' ? faultyConfigFile(targets) : configFile(version, targets)
  }
}

function notStarted (): never {
  throw new Error('the world was not started')
}

function portOf (url: string): number {
  return Number(new URL(url).port)
}
