import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import bcrypt from 'bcrypt'
import type pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { migrateDown, migrateUp } from '../../src/database/migrate.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const logger = pino({ level: 'silent' })
const canonical = await readFile(path.join(import.meta.dirname, '../../migrations/011.do.api-key-management.sql'), 'utf8')
const crowd = 80

interface Variant {
  readonly name: string
  readonly sql: string
  readonly hasPepper: boolean
  /** Whether `user_id` and the rest may be NULL, and a user be gone. */
  readonly isLoose: boolean
}

const variants: Variant[] = [
  { name: 'the canonical tables', sql: canonical, hasPepper: true, isLoose: false },
  {
    name: 'as the changelog reads, everything nullable, without foreign keys and indexes',
    sql: `
      create table api_keys (id serial primary key, user_id uuid, key_hash varchar(255), key_prefix varchar(20), name varchar(255),
        description text, scopes text[], is_active boolean, expires_at timestamptz, last_used_at timestamptz, created_at timestamptz, revoked_at timestamptz);
      create table api_key_usage (id serial primary key, api_key_id integer, endpoint varchar(255), method varchar(10), status_code integer,
        ip_address inet, user_agent text, response_time_ms integer, created_at timestamptz);`,
    hasPepper: false,
    isLoose: true,
  },
  {
    name: 'in capitals, with text and bigint, foreign keys that cascade nowhere, a unique prefix index of its own',
    sql: `
      CREATE TABLE PUBLIC.API_KEYS (CREATED_AT TIMESTAMP(0) WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP, ID BIGSERIAL PRIMARY KEY, USER_ID UUID,
        NAME TEXT, KEY_PREFIX TEXT, KEY_HASH TEXT, SCOPES VARCHAR[] DEFAULT ARRAY['inventory:read'], DESCRIPTION TEXT, EXPIRES_AT TIMESTAMPTZ,
        IS_ACTIVE BOOL DEFAULT TRUE, LAST_USED_AT TIMESTAMPTZ, REVOKED_AT TIMESTAMPTZ, TENANT TEXT DEFAULT 'acme');
      CREATE TABLE PUBLIC.API_KEY_USAGE (ID BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, API_KEY_ID BIGINT REFERENCES API_KEYS (ID),
        ENDPOINT TEXT, METHOD TEXT, STATUS_CODE BIGINT, IP_ADDRESS INET, USER_AGENT TEXT, RESPONSE_TIME_MS BIGINT, CREATED_AT TIMESTAMPTZ DEFAULT NOW());
      CREATE INDEX IDX_API_KEYS_KEY_HASH ON API_KEYS USING HASH (KEY_HASH);
      CREATE INDEX OURS ON API_KEYS (KEY_PREFIX, IS_ACTIVE);`,
    hasPepper: true,
    isLoose: true,
  },
]

for (const variant of variants) {
  t.test(variant.name, async t => {
    const database = await createDatabase(t, { migrated: false })
    const { pool } = database
    await pool.query(`create schema auth; create table auth.users (id uuid primary key, email text); ${variant.sql}`)
    const seedColumns = await columnsOf(pool)
    const rows = await adoptedRows(variant)
    for (const row of rows) await insert(pool, row)
    await pool.query(`
      insert into api_key_usage (api_key_id, endpoint, method) select id, '/before', 'GET' from api_keys limit 5;
      ${variant.isLoose ? 'insert into api_key_usage (api_key_id, endpoint) values (null, null)' : ''}`)
    const before = await fingerprint(pool, seedColumns)

    await migrateUp({ connectionString: database.url, logger })
    t.strictSame(await fingerprint(pool, seedColumns), before, 'migrate up touches no row')

    const upstream = await startUpstream(t)
    const gateway = await startGateway(t, {
      config: `
keys: { bcryptCost: 4, environments: [live], checksum: optional }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: '/*', upstream: u }, { id: read, path: /read, upstream: u, scopes: ['inventory:read'] }]
`,
      database,
      ...(variant.hasPepper ? {} : { pepper: null }),
    })
    for (let round = 0; round < 2; round++) {
      await Promise.all(rows.map(async ({ what, key, expected }) => {
        if (key === null) return
        t.equal(await verdictOf(`${gateway.url}/`, key), expected, `${what}, ${round === 0 ? 'first' : 'second'} use`)
      }))
    }
    t.equal(await verdictOf(`${gateway.url}/read`, keyOf(rows, 'all in order')), '200')
    t.equal(await verdictOf(`${gateway.url}/read`, keyOf(rows, 'odd scopes')), 'insufficient_scope')
    const used = rows.filter(({ expected }) => expected === '200' || expected.startsWith('key_')).length
    await until(async () => (await pool.query("select from api_key_usage where endpoint = '/'")).rowCount === 2 * used, 'each use has its row')
    await gateway.close()

    t.strictSame(await fingerprint(pool, seedColumns.filter(column => column !== 'api_keys.last_used_at')), without(before, 'api_keys.last_used_at'),
      'use writes last_used_at, and nothing else of the seed\'s')
    const { rows: [{ digests }] } = await pool.query('select count(key_lookup)::int as digests from api_keys')
    t.equal(digests, variant.hasPepper ? used : 0, 'each key that was proven has its digest')

    await migrateDown({ connectionString: database.url, to: 11 })
    t.strictSame(await columnsOf(pool), seedColumns, 'migrate down leaves the columns as they were')
    t.strictSame(await fingerprint(pool, seedColumns.filter(column => column !== 'api_keys.last_used_at')), without(before, 'api_keys.last_used_at'))
  })
}

interface AdoptedRow {
  readonly what: string
  /** null: nobody could hold a key of this row. */
  readonly key: string | null
  /** A status, or the code of the refusal. */
  readonly expected: string
  readonly columns: Record<string, unknown>
}

async function adoptedRows ({ isLoose }: Variant): Promise<AdoptedRow[]> {
  const rows: AdoptedRow[] = []
  const past = '2001-01-01T00:00:00Z'
  async function add (what: string, expected: string, { key = mintedKey(), version = '2b', cost = 4, ...columns }: Record<string, unknown> & { key?: string, version?: string, cost?: number } = {}): Promise<string> {
    const hash = (await bcrypt.hash(key, cost)).replace('$2b$', `$${version}$`)
    rows.push({ what, key, expected, columns: { key_hash: hash, key_prefix: key.slice(0, 12), name: 'adopted', scopes: ['inventory:read'], is_active: true, ...columns } })
    return hash
  }
  await add('all in order', '200')
  for (const version of ['2a', '2b', '2y']) for (const cost of [4, 5, 8]) await add(`$${version}$ of cost ${cost}`, '200', { version, cost })
  for (const cost of [10, 12]) await add(`cost ${cost}`, '200', { cost })
  for (const length of [1, 4, 8, 11, 20]) {
    const key = mintedKey()
    await add(`a prefix of ${length}`, '200', { key, key_prefix: key.slice(0, length) })
  }
  const dotted = mintedKey()
  await add('trailing dots', '200', { key: dotted, key_prefix: `${dotted.slice(0, 11)}...` })
  await add('an empty prefix', 'invalid_key', { key_prefix: '' })
  await add('a prefix of dots', 'invalid_key', { key_prefix: '...' })
  await add('another key\'s prefix', 'invalid_key', { key_prefix: 'sk_live_zzzz' })
  await add('a malformed hash', 'invalid_key', { key_hash: '$2b$10$tooshort' })
  await add('a hash of no known kind', 'invalid_key', { key_hash: '$argon2id$v=19$m=65536$c2FsdA$aGFzaA' })
  await add('a cost beyond reason', 'invalid_key', { key_hash: `$2b$31$${'a'.repeat(53)}` })
  await add('an empty hash', 'invalid_key', { key_hash: '' })
  await add('inactive', 'key_disabled', { is_active: false })
  await add('revoked', 'key_revoked', { revoked_at: past })
  await add('expired', 'key_expired', { expires_at: past })
  await add('revoked in the time to come, which is set all the same', 'key_revoked', { revoked_at: '2999-01-01T00:00:00Z' })
  await add('revoked, disabled and expired', 'key_revoked', { revoked_at: past, is_active: false, expires_at: past })
  await add('expires at infinity', '200', { expires_at: 'infinity' })
  await add('expired at minus infinity', 'key_expired', { expires_at: '-infinity' })
  await add('expires after the year 9999', '200', { expires_at: '20000-01-01T00:00:00Z' })
  await add('odd scopes', '200', { scopes: ['Inventory:Read', '', 'inventory:read ', 'inventory:', '**', 'a\nb'] })
  await add('a name in every script', '200', { name: 'Ключ 鍵 🔑\n"\'\\', description: '\u0001\u202e' })
  const twin = mintedKey()
  const hash = await add('one of two rows with the same hash', '200', { key: twin })
  rows.push({ what: 'the other, revoked', key: null, expected: '', columns: { key_hash: hash, key_prefix: twin.slice(0, 12), name: 'twin', scopes: [], is_active: true, revoked_at: past } })
  const stranger = await bcrypt.hash(mintedKey(), 4)
  for (let i = 0; i < crowd; i++) {
    // As bcrypt would write it, with a salt of its own.
    const other = stranger.slice(0, -4) + String(i).padStart(4, '0')
    rows.push({ what: 'one of a crowd', key: null, expected: '', columns: { key_hash: other, key_prefix: 'sk_live_...', name: 'crowd', scopes: [], is_active: true } })
  }
  await add(`the last of ${crowd} with the same prefix`, '200', { key_prefix: 'sk_live_...' })
  if (!isLoose) return rows
  await add('is_active NULL', 'key_disabled', { is_active: null })
  await add('scopes NULL', '200', { scopes: null })
  await add('scopes that hold NULL', '200', { scopes: [null, 'inventory:read'] })
  await add('name, description, created_at and user_id NULL', '200', { name: null, description: null, created_at: null, user_id: null })
  await add('a user who is gone', '200', { user_id: randomUUID() })
  await add('prefix NULL', 'invalid_key', { key_prefix: null })
  await add('hash NULL', 'invalid_key', { key_hash: null })
  rows.push({ what: 'nothing but NULL', key: null, expected: '', columns: { key_hash: null, key_prefix: null, name: null, scopes: null, is_active: null } })
  return rows
}

/** As another system would make it. */
function mintedKey (): string {
  return `sk_live_${randomUUID().replaceAll('-', '')}`
}

function keyOf (rows: readonly AdoptedRow[], name: string): string {
  return rows.find(({ what }) => what === name)?.key ?? ''
}

async function insert (pool: pg.Pool, { columns }: AdoptedRow): Promise<void> {
  const row: Record<string, unknown> = { user_id: randomUUID(), ...columns }
  const { rows: [{ refers }] } = await pool.query("select exists (select from pg_constraint where contype = 'f' and conrelid = 'api_keys'::regclass) as refers")
  if (refers) await pool.query('insert into auth.users (id) values ($1)', [row.user_id])
  const names = Object.keys(row)
  await pool.query(`insert into api_keys (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`, Object.values(row))
}

/** 503 says to come back: of keys that share a prefix, some have to wait for their turn. */
async function verdictOf (url: string, key: string): Promise<string> {
  let verdict = ''
  await until(async () => {
    const { status, code } = await send(url, { headers: { 'x-api-key': key } })
    verdict = code ?? String(status)
    return status !== 503
  }, 'the key has had its turn', { timeoutMs: 90_000 })
  return verdict
}

async function columnsOf (pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and table_name in ('api_keys', 'api_key_usage') order by table_name, ordinal_position`)
  return rows.map(({ name }) => name)
}

/** A hash of each column of all rows that were there before, byte for byte as the database would send them. */
async function fingerprint (pool: pg.Pool, columns: readonly string[]): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const name of columns) {
    const [table = '', column = ''] = name.split('.')
    const old = table === 'api_key_usage' ? "where endpoint is null or endpoint = '/before'" : ''
    const { rows: [{ hash }] } = await pool.query(`
      select count(*) || ' ' || md5(coalesce(string_agg(id || ' ' || coalesce(encode(convert_to(${column}::text, 'UTF8'), 'hex'), 'NULL'), ',' order by id), '')) as hash
      from ${table} ${old}`)
    hashes[name] = hash
  }
  return hashes
}

function without (hashes: Readonly<Record<string, string>>, column: string): Record<string, string> {
  return Object.fromEntries(Object.entries(hashes).filter(([name]) => name !== column))
}
