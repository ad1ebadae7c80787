import { hash } from 'node:crypto'
import { hidesRows, RowsHiddenError } from '../database/hidden-rows.ts'
import type { DatabasePool, PreparedQuery } from '../database/pool.ts'
import { prepared } from '../database/prepared-statement.ts'
import type { Answers } from './look-ups.ts'
import { SharedValues } from './shared-values.ts'
import type { KeyRecord } from './verification.ts'

/** A key with the hash that its secret must match; the hash never leaves keys/. */
export interface StoredKey {
  readonly record: KeyRecord
  readonly keyHash: string
  /** The pepper of the stored digest; null without one. */
  readonly pepperId: string | null
}

interface Found {
  hides_rows: boolean
}

interface Row {
  id: number
  key_hash: string
  pepper_id: string | null
  user_id: string | null
  key_prefix: string | null
  name: string | null
  scopes: string | null
  environment: string | null
  is_active: boolean
  revoked_at_ms: number | null
  expires_at_ms: number | null
}

const noScopes: readonly string[] = Object.freeze([])
const hidesKeys = hidesRows("'public.api_keys'::regclass")

// NULLs are what an adopted table may hold: they mean disabled, no scopes, no expiry. Its ids may be bigint, which pg
// would hand over as text, while notifications hold numbers. Times as epoch milliseconds also bring 'infinity' through,
// which a Date can't hold. Tables and functions are named with their schemas, and operators get the very types that
// pg_catalog has them for, as the better fit of a stranger's operator would win: the role's search_path decides nothing.
// Cast to what they are where the tables are ours, as a prepared statement's result may not change its types. Scopes come
// as JSON, one text, which is parsed once for all keys that have the same.
const columns = `id::float8 as id, key_hash::text, pepper_id::text, user_id::text, key_prefix::text, name::text,
  pg_catalog.array_to_json(scopes::text[])::text as scopes,
  environment::text, coalesce(is_active, false) as is_active,
  (extract(epoch from revoked_at) * 1000::numeric)::float8 as revoked_at_ms,
  (extract(epoch from expires_at) * 1000::numeric)::float8 as expires_at_ms`

const statements = {
  byDigest: prepared(`select ${columns} from public.api_keys where key_lookup = $1::bytea and key_hash is not null`),
  byDigests: prepared(`select key_lookup, ${columns} from public.api_keys where key_lookup = any($1::bytea[]) and key_hash is not null`),
  byId: prepared(`select ${columns} from public.api_keys where id = $1::bigint and key_hash is not null`),
  byIds: prepared(`
    select ${hidesKeys} as hides_rows, found.*
    from (select) as asked
    left join (select ${columns} from public.api_keys where id = any($1::bigint[]) and key_hash is not null) as found on true`),
  byPrefix: prepared(`
    select ${hidesKeys} as hides_rows, candidate.*
    from (select) as asked
    left join (
      select ${columns}, pg_catalog.row_number() over (
        order by pg_catalog.length(pg_catalog.rtrim(key_prefix::text, '.'::text)) desc, (is_active and revoked_at is null) desc nulls last, api_keys.id
      ) as place
      from public.api_keys
      where pg_catalog.rtrim(key_prefix::text, '.'::text) = any($1::text[]) and key_hash is not null
        and (key_lookup is null or pepper_id is null or pepper_id::text <> all($2::text[]))
      order by place limit $3
    ) as candidate on true
    order by place`),
}

/** Of what the first use of a key asks, with no key's digest; the lists are as long as in a rush, which is what they are planned for. */
export const firstUseQueries: readonly PreparedQuery[] = [
  { statement: statements.byDigest, values: [noDigest(0)] },
  { statement: statements.byDigests, values: [Array.from({ length: 64 }, (_, i) => noDigest(i))] },
]

/** What verification asks of Postgres. */
export class KeyStore {
  readonly #pool: DatabasePool
  readonly #shared = new SharedValues()

  constructor (pool: DatabasePool) {
    this.#pool = pool
  }

  /** Touches the table, so that a missing one, a missing right or hidden rows show as well. */
  async ping (): Promise<void> {
    const { rows } = await this.#pool.query<Found>(
      `select ${hidesKeys} as hides_rows, exists (select from public.api_keys)`)
    if (rows[0]?.hides_rows !== false) throw new RowsHiddenError('api_keys')
  }

  /** All peppers' digests of one key. `key_lookup` is unique, so this is one probe of an index for each. */
  async findByDigest (digests: readonly Buffer[]): Promise<StoredKey | null> {
    if (digests.length !== 1) return (await this.findByDigests([digests]))(0)
    const [row] = await this.#pool.read<Row>(statements.byDigest, [digests[0]])
    return row === undefined ? null : this.#storedKeyOf(row)
  }

  /** The same for many keys. */
  async findByDigests (asked: readonly (readonly Buffer[])[]): Promise<Answers<StoredKey>> {
    const rows = await this.#pool.read<Row & { key_lookup: Buffer }>(statements.byDigests, [asked.flat()])
    const found = new Map(rows.map((row) => [row.key_lookup.toString('latin1'), row]))
    return (place) => {
      for (const digest of asked[place] ?? []) {
        const row = found.get(digest.toString('latin1'))
        if (row !== undefined) return this.#storedKeyOf(row)
      }
      return null
    }
  }

  /**
   * Rows that only bcrypt can prove: those without a digest, or with one of a pepper that is no longer listed. Other
   * systems store prefixes of other lengths and with a display's trailing dots, hence the expression, which is that of
   * the index. The longest prefix is the likeliest; among equals, a usable key is.
   *
   * This is the last look for a key: where row-level security may hide its row, it rejects with RowsHiddenError, as
   * "not found" would refuse every key there is.
   */
  async findByPrefix (prefixes: readonly string[], listedPepperIds: readonly string[], limit: number): Promise<StoredKey[]> {
    const rows = await this.#pool.read<Found & (Row | { id: null })>(statements.byPrefix, [prefixes, listedPepperIds, limit])
    if (rows[0]?.hides_rows !== false) throw new RowsHiddenError('api_keys')
    return rows.filter((row) => row.id !== null).map((row) => this.#storedKeyOf(row))
  }

  async findById (id: number): Promise<StoredKey | null> {
    const [row] = await this.#pool.read<Row>(statements.byId, [id])
    return row === undefined ? null : this.#storedKeyOf(row)
  }

  /** The same for many ids: one that isn't there may only be hidden. */
  async findEachById (ids: readonly number[]): Promise<Answers<StoredKey>> {
    const rows = await this.#pool.read<Found & (Row | { id: null })>(statements.byIds, [ids])
    const found = new Map(rows.map((row) => [row.id, row]))
    return (place) => {
      const row = found.get(ids[place] ?? null)
      return row === undefined || row.id === null ? null : this.#storedKeyOf(row)
    }
  }

  /** By id, those that there are. Rejects with RowsHiddenError where one that is missing may only be hidden. */
  async findByIds (ids: readonly number[]): Promise<Map<number, StoredKey>> {
    const rows = await this.#pool.read<Found & (Row | { id: null })>(statements.byIds, [ids])
    const found = rows.filter((row) => row.id !== null).map((row) => this.#storedKeyOf(row))
    if (found.length < ids.length && rows[0]?.hides_rows !== false) throw new RowsHiddenError('api_keys')
    return new Map(found.map((stored) => [stored.record.id, stored]))
  }

  /** False when the row's hash is no longer the one that was proven: then the digest isn't its own. */
  async writeDigest (id: number, provenHash: string, digest: Buffer, pepperId: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `update public.api_keys set key_lookup = $3, pepper_id = $4
       where id = $1::bigint and key_hash::text = $2::text`, [id, provenHash, digest, pepperId])
    return rowCount === 1
  }

  #storedKeyOf (row: Row): StoredKey {
    return {
      keyHash: row.key_hash,
      pepperId: row.pepper_id,
      record: Object.freeze({
        id: row.id,
        secretId: secretIdOf(row.key_hash),
        userId: row.user_id ?? '',
        prefix: row.key_prefix ?? '',
        name: row.name ?? '',
        scopes: row.scopes === null ? noScopes : this.#shared.list(row.scopes, scopesIn),
        environment: row.environment === null ? null : this.#shared.text(row.environment),
        isActive: row.is_active,
        revokedAtMs: row.revoked_at_ms,
        expiresAtMs: row.expires_at_ms,
      }),
    }
  }
}

/** One byte: a digest has 32. */
function noDigest (i: number): Buffer {
  return Buffer.from([i])
}

/** As many characters as bytes. */
function secretIdOf (keyHash: string): string {
  return hash('sha256', keyHash, 'binary')
}

function scopesIn (json: string): string[] {
  return scopesOf(JSON.parse(json))
}

/** NULL elements and nested arrays, which text[] allows, grant nothing. */
export function scopesOf (stored: unknown): string[] {
  return Array.isArray(stored) ? stored.filter((scope) => typeof scope === 'string') : []
}
