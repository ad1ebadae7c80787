import { randomBytes, randomUUID } from 'node:crypto'
import bcrypt from 'bcrypt'
import pg from 'pg'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { KeysConfig } from '../../src/config/config.ts'
import { createPool } from '../../src/database/pool.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { generateKey, keyPrefixOf } from '../../src/keys/format.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { KeyStore } from '../../src/keys/store.ts'
import { Verifier } from '../../src/keys/verifier.ts'
import { until } from '../support/until.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const silent = pino({ level: 'silent' })

export const keysConfig: KeysConfig = {
  header: 'x-api-key',
  brand: 'sk',
  environments: ['live', 'test'],
  checksum: 'required',
  bcryptCost: 4,
  cache: { entriesMax: 1000, ttlMs: 60_000, negativeEntriesMax: 1000, negativeTtlMs: 10_000 },
  serveCachedForMs: 600_000,
}

/** The pool of the whole file, counting what one test asks of it. */
export class CountingBcrypt extends BcryptPool {
  compares = 0
  readonly #pool: BcryptPool

  constructor (pool: BcryptPool) {
    super({ queueMax: 0, logger: silent })
    this.#pool = pool
  }

  override get pid (): number | null {
    return this.#pool.pid
  }

  override compare (key: string, hash: string): Promise<boolean> {
    this.compares++
    return this.#pool.compare(key, hash)
  }

  override hash (key: string, cost: number): Promise<string> {
    return this.#pool.hash(key, cost)
  }

  override stats (): { running: number, waiting: number } {
    return this.#pool.stats()
  }
}

/** What the tests of a file share, because making it takes longer than most of them: a database, a bcrypt process. */
export async function openShared (t: Test): Promise<Shared> {
  const bcryptPool = new BcryptPool({ queueMax: 1000, logger: silent })
  t.teardown(() => bcryptPool.close())
  return { database: await createDatabase(t), bcryptPool }
}

export interface Shared {
  readonly database: TestDatabase
  readonly bcryptPool: BcryptPool
}

/** Stands still until a test moves it, so that no verdict depends on how busy the machine is. */
export class Clock {
  readonly startMs = Date.now()
  offsetMs = 0
  readonly nowMs = () => this.startMs + this.offsetMs
}

export interface OpenOptions {
  /** Where the verifier connects, if not straight to the database. */
  readonly url?: string
  readonly config?: Partial<KeysConfig>
  readonly peppers?: Peppers
  readonly isListening?: () => boolean
  readonly queryTimeoutMs?: number
  /** Whether the verifier hears of changes through LISTEN. */
  readonly listens?: boolean
}

/** A verifier and a manager. Everything is closed when the test ends. */
export async function openKeys (t: Test, { database, bcryptPool: shared }: Shared, options: OpenOptions = {}) {
  const logs: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => { logs.push(line) } })
  const config = { ...keysConfig, ...options.config }
  const peppers = options.peppers ?? new Peppers([])
  const clock = new Clock()
  const pool = createPool({
    connectionString: options.url ?? database.url,
    applicationName: 'latchkey-test',
    connectionsMax: 5,
    queryTimeoutMs: options.queryTimeoutMs ?? 10_000,
    logger,
  })
  let queries = 0
  let returns = 0
  pool.on('acquire', () => { queries++ })
  const bcryptPool = new CountingBcrypt(shared)
  const store = new KeyStore(pool)
  const verifier = new Verifier({
    config, store, peppers, bcrypt: bcryptPool, isListening: options.isListening ?? (() => true), onStoreReturn: () => { returns++ }, logger, nowMs: clock.nowMs,
  })
  const manager = new KeyManager({ pool: database.pool, peppers, bcrypt: bcryptPool, config })
  let notifications = 0
  let marker = ''
  const listener = options.listens ? new pg.Client(database.url) : null
  if (listener !== null) {
    listener.on('error', () => {})
    listener.on('notification', ({ channel, payload = '' }) => {
      if (channel === 'test_marker') {
        marker = payload
        return
      }
      verifier.handleNotification(payload)
      notifications++
    })
    await listener.connect()
    await listener.query('listen latchkey_keys; listen test_marker')
  }
  t.teardown(async () => {
    await listener?.end()
    await verifier.close()
    await pool.end()
  })
  return {
    database,
    verifier,
    manager,
    store,
    peppers,
    config,
    clock,
    logs,
    bcrypt: bcryptPool,
    sql: (text: string, values?: unknown[]) => database.pool.query(text, values),
    /** Statements that the verifier has sent. */
    queries: () => queries,
    /** Statements that wait for a connection. */
    waiting: () => pool.waitingCount,
    notifications: () => notifications,
    /** How often the store was away and came back. */
    returns: () => returns,
    /** Postgres delivers in the order of commits: once a marker arrives, so has every change before it. */
    async caughtUp () {
      const mine = randomUUID()
      await database.pool.query("select pg_notify('test_marker', $1)", [mine])
      await until(() => marker === mine, 'the verifier has heard of every change so far')
    },
  }
}

export const randomPeppers = (count = 1) => Array.from({ length: count }, () => randomBytes(32))

export const newKey = (environment = 'live') => generateKey({ brand: 'sk', environment })

export interface InsertedKey {
  readonly key?: string
  readonly hash?: string
  /** Any columns beside. */
  readonly columns?: Record<string, unknown>
}

/** A row as another system might have written it: with bcrypt and a prefix, without digest. */
export async function insertKey ({ pool }: { pool: pg.Pool }, { key = newKey(), hash, columns = {} }: InsertedKey = {}) {
  const userId = randomUUID()
  await pool.query('insert into auth.users (id) values ($1)', [userId])
  const row: Record<string, unknown> = {
    user_id: userId,
    key_hash: hash ?? await bcrypt.hash(key, 4),
    key_prefix: keyPrefixOf(key),
    name: 'test',
    scopes: ['inventory:read'],
    ...columns,
  }
  const names = Object.keys(row)
  const { rows } = await pool.query<{ id: number }>(
    `insert into public.api_keys (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
    Object.values(row))
  return { key, id: rows[0]?.id ?? 0 }
}

/** What a promise rejects with; null when it doesn't. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (err: unknown) => err)
