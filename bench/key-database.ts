import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hash } from 'bcrypt'
import { pino } from 'pino'
import { openEmbedded } from '../src/database/embedded.ts'
import { migrateUp } from '../src/database/migrate.ts'
import { createPool } from '../src/database/pool.ts'
import { Peppers } from '../src/keys/digest.ts'
import { generateKey, keyPrefixOf } from '../src/keys/format.ts'
import { pin } from './stage.ts'

const logger = pino({ level: 'silent' })
const rowsAtOnce = 1_000
const scopes = ['inventory:read', 'inventory:write']

export interface KeyDatabase {
  readonly url: string
  /** Hex, for LATCHKEY_KEY_PEPPER. */
  readonly pepper: string
  /** Of the server: with its children it is all of Postgres. */
  readonly pid: number
  /** Keys that a gateway finds by their digest; what stands for their bcrypt hash is the hash of something else. */
  createKeys (count: number): Promise<string[]>
  /** Keys without a digest, to be proven by bcrypt at cost 10. */
  createBcryptKeys (count: number): Promise<string[]>
  setActive (key: string, isActive: boolean): Promise<void>
  /** Milliseconds of each of `count` look-ups by digest, one after another. */
  roundTripsMs (count: number): Promise<number[]>
  usageRows (): Promise<number>
  clearUsage (): Promise<void>
  /** Off where what it takes would be a part of one measurement or another. */
  setAutovacuum (isOn: boolean): Promise<void>
  close (): Promise<void>
}

/** A real Postgres with the product's tables in it, on the core of the load. */
export async function openKeyDatabase (folder: string): Promise<KeyDatabase> {
  const dataDir = join(folder, 'data')
  const embedded = await openEmbedded({ dataDir, role: 'command', logger })
  await migrateUp({ connectionString: embedded.url, logger })
  const pool = createPool({ connectionString: embedded.url, applicationName: 'bench', connectionsMax: 1, queryTimeoutMs: 60_000, logger })
  const { rows: [{ folder: serverFolder }] } = await pool.query("select current_setting('data_directory') as folder")
  const pid = Number(readFileSync(join(serverFolder, 'postmaster.pid'), 'utf8').split('\n')[0])
  pin('load', pid)
  const { rows: [{ pid: own }] } = await pool.query('select pg_backend_pid() as pid')
  pin('load', own)
  const pepper = randomBytes(32)
  const peppers = new Peppers([pepper])
  const userId = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
  await pool.query('insert into auth.users (id, email) values ($1, $2)', [userId, 'bench@example.com'])

  async function insert (keys: readonly string[], hashes: readonly string[], hasDigests: boolean): Promise<void> {
    for (let from = 0; from < keys.length; from += rowsAtOnce) {
      const batch = keys.slice(from, from + rowsAtOnce)
      const lookups = batch.map(key => peppers.lookupOf(key)[0]!)
      await pool.query(
        `insert into api_keys (user_id, key_hash, key_prefix, name, scopes, environment, key_lookup, pepper_id, is_active)
         select $1, hash, prefix, 'bench', $2::text[], 'live', digest, pepper, true
         from unnest($3::text[], $4::text[], $5::bytea[], $6::text[]) as row (hash, prefix, digest, pepper)`,
        [userId, scopes, hashes.slice(from, from + rowsAtOnce), batch.map(keyPrefixOf), lookups.map(({ digest }) => hasDigests ? digest : null), lookups.map(({ pepperId }) => hasDigests ? pepperId : null)])
    }
    await pool.query('analyze api_keys')
  }

  return {
    url: embedded.url,
    pepper: pepper.toString('hex'),
    pid,
    async createKeys (count) {
      const keys = newKeys(count)
      const nobodys = await hash('of nobody', 4)
      await insert(keys, keys.map(() => nobodys), true)
      return keys
    },
    async createBcryptKeys (count) {
      const keys = newKeys(count)
      await insert(keys, await Promise.all(keys.map(async key => await hash(key, 10))), false)
      return keys
    },
    async setActive (key, isActive) {
      await pool.query('update api_keys set is_active = $2 where key_lookup = $1', [peppers.lookupOf(key)[0]!.digest, isActive])
    },
    async roundTripsMs (count) {
      const takenMs: number[] = []
      for (let i = -10; i < count; i++) {
        const startedAt = performance.now()
        await pool.query({ name: 'look-up', text: 'select * from api_keys where key_lookup = $1', values: [randomBytes(32)] })
        if (i >= 0) takenMs.push(performance.now() - startedAt)
      }
      return takenMs
    },
    async usageRows () {
      const { rows: [{ count }] } = await pool.query('select count(*)::int as count from api_key_usage')
      return count
    },
    async clearUsage () {
      await pool.query('truncate api_key_usage')
    },
    async setAutovacuum (isOn) {
      await pool.query(`alter system set autovacuum = ${isOn ? 'on' : 'off'}`)
      await pool.query('select pg_reload_conf()')
    },
    async close () {
      await pool.end()
      await embedded.close()
    },
  }
}

function newKeys (count: number): string[] {
  return Array.from({ length: count }, () => generateKey({ brand: 'sk', environment: 'live' }))
}
