import type pg from 'pg'
import { scopesOf } from './store.ts'

export type ApiKeyStatus = 'active' | 'disabled' | 'revoked' | 'expired'

/** A key as its manager sees it: never the hash, never the digest. */
export interface ApiKey {
  readonly id: number
  readonly userId: string
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly status: ApiKeyStatus
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly createdAt: Date | null
  readonly revokedAt: Date | null
}

export interface NewKeyRow {
  readonly userId: string
  readonly keyHash: string
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: readonly string[]
  readonly environment: string
  readonly expiresAt: Date | null
  readonly digest: Buffer | null
  readonly pepperId: string | null
}

export interface KeyChanges {
  readonly name?: string | undefined
  /** null clears it. */
  readonly description?: string | null | undefined
  readonly scopes?: readonly string[] | undefined
  /** null: never expires. */
  readonly expiresAt?: Date | null | undefined
}

export interface KeyRowFilter {
  readonly userId: string | null
  readonly prefix: string | null
  readonly scope: string | null
  readonly status: ApiKeyStatus | null
  readonly afterId: number
  readonly limit: number
}

interface Row {
  id: number
  user_id: string | null
  key_prefix: string | null
  name: string | null
  description: string | null
  scopes: unknown
  environment: string | null
  status: ApiKeyStatus
  expires_at: Date | number | null
  last_used_at: Date | number | null
  created_at: Date | number | null
  revoked_at: Date | number | null
}

// The order of the gateway's own verdict: revoked wins, then disabled, then expired.
const status = `case when revoked_at is not null then 'revoked'
  when is_active is not true then 'disabled'
  when expires_at <= pg_catalog.now() then 'expired'
  else 'active' end`

const columns = `id::float8 as id, user_id::text, key_prefix, name, description, scopes, environment, ${status} as status,
  expires_at, last_used_at, created_at, revoked_at`

/** What managing keys asks of Postgres; the triggers tell every gateway. */
export class ManagedKeyStore {
  readonly #pool: pg.Pool

  constructor (pool: pg.Pool) {
    this.#pool = pool
  }

  async insert (row: NewKeyRow): Promise<ApiKey> {
    const { rows } = await this.#pool.query<Row>(
      `insert into public.api_keys
         (user_id, key_hash, key_prefix, name, description, scopes, environment, expires_at, key_lookup, pepper_id,
          is_active, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, pg_catalog.now())
       returning ${columns}`,
      [row.userId, row.keyHash, row.prefix, row.name, row.description, row.scopes, row.environment, row.expiresAt,
        row.digest, row.pepperId])
    return apiKeyOf(rows[0] as Row)
  }

  async find (id: number): Promise<ApiKey | null> {
    return this.#one(`select ${columns} from public.api_keys where id = $1::bigint`, [id])
  }

  /**
   * Ordered by the table's id, which has an index, and not by the converted one of the same name.
   * Keyset rather than offset: a page stays the same when keys are made meanwhile. `starts_with` and not LIKE, in which
   * the prefix's underscores would match anything.
   */
  async list (filter: KeyRowFilter): Promise<ApiKey[]> {
    const { rows } = await this.#pool.query<Row>(
      `select ${columns} from public.api_keys
       where id > $1::bigint
         and ($2::uuid is null or user_id = $2)
         and ($3::text is null or pg_catalog.starts_with(key_prefix::text, $3))
         and ($4::text is null or $4 = any(scopes::text[]))
         and ($5::text is null or ${status} = $5::text)
       order by api_keys.id limit $6`,
      [filter.afterId, filter.userId, filter.prefix, filter.scope, filter.status, filter.limit])
    return rows.map(apiKeyOf)
  }

  /** One statement for every combination: a column keeps its value unless its flag is set. */
  async update (id: number, changes: KeyChanges): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set
         name = coalesce($2, name),
         description = case when $3 then $4 else description end,
         scopes = coalesce($5::text[], scopes),
         expires_at = case when $6 then $7::timestamptz else expires_at end
       where id = $1::bigint
       returning ${columns}`,
      [id, changes.name ?? null, changes.description !== undefined, changes.description ?? null,
        changes.scopes ?? null, changes.expiresAt !== undefined, changes.expiresAt ?? null])
  }

  async disable (id: number): Promise<ApiKey | null> {
    return this.#one(`update public.api_keys set is_active = false where id = $1::bigint returning ${columns}`, [id])
  }

  /** Null for a revoked key as for a missing one: the condition is in the statement, so no revocation slips between. */
  async enable (id: number): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set is_active = true where id = $1::bigint and revoked_at is null returning ${columns}`, [id])
  }

  /** A second revocation keeps the first one's time. */
  async revoke (id: number): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set revoked_at = coalesce(revoked_at, pg_catalog.now()), is_active = false
       where id = $1::bigint returning ${columns}`, [id])
  }

  async #one (text: string, values: unknown[]): Promise<ApiKey | null> {
    const { rows } = await this.#pool.query<Row>(text, values)
    return rows[0] ? apiKeyOf(rows[0]) : null
  }
}

function apiKeyOf (row: Row): ApiKey {
  return {
    id: row.id,
    userId: row.user_id ?? '',
    prefix: row.key_prefix ?? '',
    name: row.name ?? '',
    description: row.description,
    scopes: scopesOf(row.scopes),
    environment: row.environment,
    status: row.status,
    expiresAt: dateOf(row.expires_at),
    lastUsedAt: dateOf(row.last_used_at),
    createdAt: dateOf(row.created_at),
    revokedAt: dateOf(row.revoked_at),
  }
}

/** 'infinity' arrives as a number: as good as no date. */
function dateOf (value: Date | number | null): Date | null {
  return value instanceof Date ? value : null
}
