import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import pino from 'pino'
import type { Test } from 'tap'
import { type Binaries, prepareBinaries } from '../../src/database/embedded/binaries.ts'
import { ensureCluster, superuser } from '../../src/database/embedded/cluster.ts'
import { freePort, PostgresProcess } from '../../src/database/embedded/postgres-process.ts'
import { identity, serverUser } from '../../src/database/embedded/server-user.ts'
import { watchOver, type Watchdog } from '../../src/database/embedded/watchdog.ts'
import { migrateUp } from '../../src/database/migrate.ts'
import { isAnswering } from './is-answering.ts'
import { until } from './until.ts'

/**
 * A PostgreSQL server of the caller's own, to be stopped, frozen and filled up: `startOwnPostgres(t)` makes a migrated
 * cluster and starts it (about two seconds). It keeps its port over restarts. Everything is thawed, ended and removed
 * in the teardown. All methods may be called in any state; those that need the server to answer say so.
 */
export class OwnPostgres {
  /** Superuser's URL of a migrated database. */
  readonly url: string
  /** A few connections for the test's own queries, replaced by themselves. Its queries fail after ten seconds. */
  readonly pool: pg.Pool
  readonly #folder: string
  readonly #binaries: Binaries
  readonly #port: number
  readonly #password: string
  readonly #settings: Readonly<Record<string, string>>
  #process: PostgresProcess | null = null
  #watchdog: Watchdog | null = null
  #frozen: number[] = []
  #thawer: ChildProcess | null = null

  constructor (made: MadeCluster, settings: Readonly<Record<string, string>>) {
    this.#folder = made.folder
    this.#binaries = made.binaries
    this.#port = made.port
    this.#password = made.password
    this.#settings = settings
    this.url = `postgres://${superuser}:${made.password}@127.0.0.1:${made.port}/${databaseName}`
    this.pool = new pg.Pool({ connectionString: this.url, max: 5, connectionTimeoutMillis: 10_000, query_timeout: 10_000 })
    this.pool.on('error', () => {})
    this.pool.on('connect', client => { client.on('error', () => {}) })
  }

  get isRunning (): boolean {
    return this.#process !== null && !this.#process.hasExited
  }

  /** Resolves once connections are accepted. */
  async start (): Promise<void> {
    if (this.isRunning) return
    const server = new PostgresProcess({
      binaries: this.#binaries,
      folder: this.#data,
      logFile: path.join(this.#folder, 'postgres.log'),
      user: serverUser(),
      port: this.#port,
      settings: this.#settings,
    })
    this.#process = server
    this.#watchdog = watchOver(server.pid, this.#data, serverUser())
    await until(async () => {
      if (server.hasExited) throw new Error(`PostgreSQL ended while starting:\n${await readFile(path.join(this.#folder, 'postgres.log'), 'utf8')}`)
      return await this.accepts()
    }, 'PostgreSQL accepts connections', { timeoutMs: 60_000 })
  }

  /**
   * Resolves once the server has ended. `fast`: sessions are told (57P01), a checkpoint is written; `immediate`: as in
   * a crash, with recovery at the next start; `kill`: SIGKILL to all of its processes, whatever they are at.
   */
  async stop (mode: 'fast' | 'immediate' | 'kill' = 'fast'): Promise<void> {
    this.thaw()
    const server = this.#process
    if (server === null) return
    if (mode === 'fast') await server.stop()
    else if (!server.hasExited) {
      const children = mode === 'kill' ? await childrenOf(server.pid) : []
      signal(server.pid, mode === 'kill' ? 'SIGKILL' : 'SIGQUIT')
      for (const child of children) signal(child, 'SIGKILL')
      // Their shared memory would keep the next server from starting.
      await until(async () => (await Promise.all(children.map(isAlive))).every(is => !is), "PostgreSQL's processes have ended")
      // Polled, as the server's process doesn't keep ours alive.
      await until(() => server.hasExited, 'PostgreSQL has ended')
    }
    this.#watchdog?.close()
    this.#process = null
  }

  /**
   * SIGSTOP to the postmaster and every process of the server: connections stay open, new ones are accepted by the
   * kernel, and nothing answers.
   */
  async freeze (): Promise<void> {
    if (!this.isRunning || this.#process === null) return
    const { pid } = this.#process
    // The postmaster first, so that it forks no more.
    process.kill(pid, 'SIGSTOP')
    this.#frozen = [pid]
    for (const child of await childrenOf(pid)) {
      if (signal(child, 'SIGSTOP')) this.#frozen.push(child)
    }
    this.#thawer = thawAtOurEnd(this.#frozen)
  }

  /** Ends a freeze: what was asked meanwhile is answered. */
  thaw (): void {
    for (const pid of this.#frozen.reverse()) signal(pid, 'SIGCONT')
    this.#frozen = []
    this.#thawer?.stdin?.end()
    this.#thawer = null
  }

  /** default_transaction_read_only for every session, those that are open included. Needs a server that answers. */
  async setReadOnly (isReadOnly: boolean): Promise<void> {
    await this.setting('default_transaction_read_only', isReadOnly ? 'on' : 'off')
  }

  /** ALTER SYSTEM and reload. Resolves once a session has it. Needs a server that answers. */
  async setting (name: string, value: string): Promise<void> {
    await this.#ask(async client => {
      await client.query(`alter system set ${name} = ${pg.escapeLiteral(value)}`)
      await client.query('select pg_reload_conf()')
      await until(async () => (await client.query<{ value: string }>('select current_setting($1) as value', [name])).rows[0]?.value === value, `${name} is ${value}`)
    })
  }

  /**
   * Takes every connection that is free (max_connections is 40), so that who asks for another gets 53300. With
   * `evicts`, ends those of everybody else first. Call what is returned to give them back.
   */
  async takeConnections ({ evicts = false } = {}): Promise<() => Promise<void>> {
    const taken: pg.Client[] = []
    for (;;) {
      const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 10_000, application_name: 'crowd' })
      client.on('error', () => {})
      try {
        await client.connect()
        taken.push(client)
      } catch (err) {
        if (!(err instanceof pg.DatabaseError) || err.code !== '53300') throw err
        if (!evicts) break
        const { rowCount } = await taken[0]!.query("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'crowd'")
        if (rowCount === 0) break
      }
    }
    return async () => { await Promise.all(taken.map(async client => await client.end())) }
  }

  /** A streaming standby that answers reads, ended in the teardown. Needs a server that answers. */
  async startStandby (t: Pick<Test, 'teardown'>, settings: Readonly<Record<string, string>> = {}): Promise<OwnPostgres> {
    const folder = await temporaryFolder()
    const copy = path.join(folder, 'data')
    await this.#ask(async client => {
      const isBefore15 = await isServerBefore15(client)
      await client.query(isBefore15 ? "select pg_start_backup('standby', true, false)" : "select pg_backup_start('standby', true)")
      await run('cp', ['-a', this.#data, copy], { cwd: '/', ...identity(serverUser()) })
      // Over the connection that began it, or there is no backup.
      const { rows: [row] } = await client.query<{ labelfile: string }>(
        `select labelfile from ${isBefore15 ? 'pg_stop_backup(false, false)' : 'pg_backup_stop(false)'}`)
      await rm(path.join(copy, 'postmaster.pid'), { force: true })
      await writeServerFile(path.join(copy, 'backup_label'), row?.labelfile ?? '')
      await writeServerFile(path.join(copy, 'standby.signal'), '')
    })
    const standby = new OwnPostgres({ folder, binaries: this.#binaries, port: await freePort(), password: this.#password }, {
      ...this.#settings,
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${this.#port} user=${superuser} password=${this.#password}`,
    })
    t.teardown(async () => await standby.close())
    await standby.start()
    return standby
  }

  /** Makes a standby the primary. Its sessions go on, and may write from then on. */
  async promote (): Promise<void> {
    await this.#ask(async client => { await client.query('select pg_promote(true, 60)') })
  }

  /** Whether a query over a new connection is answered within a second. */
  async accepts (): Promise<boolean> {
    return await isAnswering(maintenanceUrl(this.url))
  }

  /** Thaws, ends and removes everything; the teardown does it. */
  async close (): Promise<void> {
    this.thaw()
    await this.pool.end()
    await this.stop('immediate')
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #data (): string {
    return path.join(this.#folder, 'data')
  }

  async #ask (work: (client: pg.Client) => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 10_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      await work(client)
    } finally {
      await client.end()
    }
  }
}

interface MadeCluster {
  readonly folder: string
  readonly binaries: Binaries
  readonly port: number
  readonly password: string
}

/** A running, migrated server. `settings` are server parameters on top of those of a small throw-away server. */
export async function startOwnPostgres (t: Pick<Test, 'teardown'>, settings: Readonly<Record<string, string>> = {}): Promise<OwnPostgres> {
  const folder = await temporaryFolder()
  const user = serverUser()
  const password = randomBytes(18).toString('hex')
  const binaries = await findBinaries(path.join(folder, 'binaries'))
  await ensureCluster({ binaries, folder: path.join(folder, 'data'), password, user, isDurable: false })
  const server = new OwnPostgres({ folder, binaries, port: await freePort(), password }, { ...throwAwaySettings, ...settings })
  t.teardown(async () => await server.close())
  await server.start()
  const admin = new pg.Client(maintenanceUrl(server.url))
  await admin.connect()
  await admin.query(`create database ${databaseName}`)
  await admin.end()
  await migrateUp({ connectionString: server.url, logger: pino({ level: 'silent' }) })
  return server
}

const run = promisify(execFile)
const databaseName = 'latchkey'
const throwAwaySettings = {
  max_connections: '40',
  shared_buffers: '16MB',
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
}

/** Its own database comes after the server. */
function maintenanceUrl (url: string): string {
  return url.replace(/\/[^/]*$/, '/postgres')
}

async function findBinaries (copyFolder: string): Promise<Binaries> {
  const native = process.env.LATCHKEY_TEST_POSTGRES
  if (native === undefined) return await prepareBinaries({ user: serverUser(), copyFolder })
  return { initdb: path.join(native, 'bin/initdb'), postgres: path.join(native, 'bin/postgres'), majorVersion: process.env.LATCHKEY_TEST_POSTGRES_MAJOR ?? '' }
}

/** Of the server's user, who must be able to write there. */
async function temporaryFolder (): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-own-postgres-'))
  const user = serverUser()
  if (user !== null) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o711)
  return folder
}

async function writeServerFile (file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 })
  const user = serverUser()
  if (user !== null) await chown(file, user.uid, user.gid)
}

async function isServerBefore15 (client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ version: number }>("select current_setting('server_version_num')::int as version")
  return (rows[0]?.version ?? 0) < 150000
}

async function childrenOf (parent: number): Promise<number[]> {
  const children: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The name in parentheses may hold anything; after it come the state and the parent.
    const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(ppid) === parent) children.push(Number(name))
  }
  return children
}

/** Also when we are killed: a stopped process would stay for ever. The pipe closes when we end. */
function thawAtOurEnd (pids: readonly number[]): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', 'while read -r line; do :; done; kill -CONT "$@"', 'sh', ...pids.map(String)], {
    cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  return shell
}

/** False for one that nobody has asked yet how it ended. */
async function isAlive (pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && stat[stat.lastIndexOf(')') + 2] !== 'Z'
}

function signal (pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}
