import type pg from 'pg'
import { sqlState } from '../database/sqlstate.ts'
import { type ApiKey, apiKeyColumns, apiKeyOf, type ApiKeyRow, type ApiKeyStatus, statusSql } from './api-key.ts'

export interface NewKeyRow {
  readonly userId: string
  readonly keyHash: string
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly expiresAt: Date | null
  readonly metadata: Readonly<Record<string, unknown>> | null
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
  /** In place of all that there is. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** What proves a key from now on. */
export type NewSecret = Pick<NewKeyRow, 'keyHash' | 'prefix' | 'digest' | 'pepperId'>

export interface KeyRowFilter {
  readonly userId: string | null
  readonly prefix: string | null
  readonly scope: string | null
  readonly status: ApiKeyStatus | null
  /** Part of a name or of its user's email, the beginning of a prefix or of a user's id; in lower case. */
  readonly search: string | null
  readonly order: 'oldest' | 'newest'
  /** Those behind this id, in the order. */
  readonly afterId: number | null
  readonly limit: number
}

const insufficientPrivilege = '42501'

/** What managing keys asks of Postgres; the triggers tell every gateway, and the audit log. */
export class ManagedKeyStore {
  readonly #client: pg.Pool | pg.ClientBase

  constructor (client: pg.Pool | pg.ClientBase) {
    this.#client = client
  }

  async insert (row: NewKeyRow): Promise<ApiKey> {
    const [key] = await this.#keys(
      `insert into public.api_keys
         (user_id, key_hash, key_prefix, name, description, scopes, environment, expires_at, latchkey_metadata, key_lookup,
          pepper_id, is_active, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true, pg_catalog.now())
       returning ${apiKeyColumns}`,
      [row.userId, row.keyHash, row.prefix, row.name, row.description, row.scopes, row.environment, row.expiresAt,
        row.metadata, row.digest, row.pepperId])
    return key!
  }

  async find (id: number): Promise<ApiKey | null> {
    return this.#one(`select ${apiKeyColumns} from public.api_keys where id = $1::bigint`, [id])
  }

  /** Nobody else changes it until the transaction has ended. Rows of its usage can still be written. */
  async lock (id: number): Promise<ApiKey | null> {
    return this.#one(`select ${apiKeyColumns} from public.api_keys where id = $1::bigint for no key update`, [id])
  }

  /**
   * Ordered by the table's id, which has an index, and not by the converted one of the same name.
   * Keyset rather than offset: a page stays the same when keys are made meanwhile. `starts_with` and not LIKE, in which
   * the prefix's underscores would match anything.
   */
  async list (filter: KeyRowFilter): Promise<ApiKey[]> {
    try {
      return await this.#list(filter, true)
    } catch (err) {
      // A role of least rights may not look at auth.users: emails are no need of ours.
      if (filter.search === null || sqlState(err) !== insufficientPrivilege) throw err
      return await this.#list(filter, false)
    }
  }

  async #list (filter: KeyRowFilter, looksAtEmails: boolean): Promise<ApiKey[]> {
    const { search } = filter
    const isNewestFirst = filter.order === 'newest'
    return await this.#keys(
      `select ${apiKeyColumns} from public.api_keys
       where ($1::bigint is null or id ${isNewestFirst ? '<' : '>'} $1::bigint)
         and ($2::uuid is null or user_id = $2)
         and ($3::text is null or pg_catalog.starts_with(key_prefix::text, $3))
         and ($4::text is null or $4 = any(scopes::text[]))
         and ($5::text is null or ${statusSql} = $5::text)
         and ($6::text is null
           or pg_catalog.strpos(pg_catalog.lower(name::text), $6) > 0
           or pg_catalog.starts_with(pg_catalog.lower(key_prefix::text), $7::text)
           or pg_catalog.starts_with(user_id::text, $8::text)
           ${search === null || !looksAtEmails ? '' : 'or user_id in (select u.id from auth.users as u where pg_catalog.strpos(pg_catalog.lower(u.email::text), $6) > 0)'})
       order by api_keys.id ${isNewestFirst ? 'desc' : ''} limit $9`,
      // Null where no prefix and no UUID begins like that: not asked for, they cost nothing.
      [filter.afterId, filter.userId, filter.prefix, filter.scope, filter.status, search, search !== null && /^\S{1,20}$/.test(search) ? search : null,
        search !== null && /^[0-9a-f-]{1,36}$/.test(search) ? search : null, filter.limit])
  }

  /** One statement for every combination: a column keeps its value unless its flag is set. */
  async update (id: number, changes: KeyChanges): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set
         name = coalesce($2, name),
         description = case when $3 then $4 else description end,
         scopes = coalesce($5::text[], scopes),
         expires_at = case when $6 then $7::timestamptz else expires_at end,
         latchkey_metadata = coalesce($8::jsonb, latchkey_metadata)
       where id = $1::bigint
       returning ${apiKeyColumns}`,
      [id, changes.name ?? null, changes.description !== undefined, changes.description ?? null,
        changes.scopes ?? null, changes.expiresAt !== undefined, changes.expiresAt ?? null, changes.metadata ?? null])
  }

  async disable (id: number): Promise<ApiKey | null> {
    return this.#one(`update public.api_keys set is_active = false where id = $1::bigint returning ${apiKeyColumns}`, [id])
  }

  /** Null for a revoked key as for a missing one: the condition is in the statement, so no revocation slips between. */
  async enable (id: number): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set is_active = true where id = $1::bigint and revoked_at is null returning ${apiKeyColumns}`, [id])
  }

  /** A second revocation keeps the first one's time. */
  async revoke (id: number): Promise<ApiKey | null> {
    return this.#one(
      `update public.api_keys set revoked_at = coalesce(revoked_at, pg_catalog.now()), is_active = false
       where id = $1::bigint returning ${apiKeyColumns}`, [id])
  }

  /** Its usage rows go with it. */
  async delete (id: number): Promise<boolean> {
    const { rowCount } = await this.#client.query('delete from public.api_keys where id = $1::bigint', [id])
    return rowCount === 1
  }

  /**
   * What proves the key now works until `graceMs` from now, as the database's clock has it; then the new secret takes
   * its place. Two statements, in this order, so that the audit log's trigger finds the grace that began. To be called
   * on a locked key.
   */
  async replaceSecret (id: number, { keyHash, prefix, digest, pepperId }: NewSecret, graceMs: number): Promise<ApiKey | null> {
    if (graceMs > 0) {
      await this.#client.query(
        `insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, key_lookup, pepper_id, expires_at)
         select id, key_hash, key_prefix, key_lookup, pepper_id,
           least(pg_catalog.now() + $2::float8 * '1 millisecond'::interval, expires_at)
         from public.api_keys where id = $1::bigint and key_hash is not null and key_prefix is not null`, [id, graceMs])
    }
    return this.#one(
      `update public.api_keys set key_hash = $2, key_prefix = $3, key_lookup = $4, pepper_id = $5
       where id = $1::bigint returning ${apiKeyColumns}`, [id, keyHash, prefix, digest, pepperId])
  }

  /** Of one earlier secret, or of all that a key has. Returns how many worked until now. */
  async endGrace (id: number, earlierSecretId: number | null): Promise<number> {
    const { rowCount } = await this.#client.query(
      `update latchkey.earlier_secrets set expires_at = pg_catalog.now()
       where api_key_id = $1::bigint and ($2::bigint is null or id = $2::bigint) and expires_at > pg_catalog.now()`,
      [id, earlierSecretId])
    return rowCount ?? 0
  }

  /** Of any key: what ended long ago. */
  async forgetEarlierSecrets (): Promise<void> {
    await this.#client.query("delete from latchkey.earlier_secrets where expires_at < pg_catalog.now() - '30 days'::interval")
  }

  async #one (text: string, values: unknown[]): Promise<ApiKey | null> {
    const [key] = await this.#keys(text, values)
    return key ?? null
  }

  async #keys (text: string, values: unknown[]): Promise<ApiKey[]> {
    const { rows } = await this.#client.query<ApiKeyRow>(text, values)
    return rows.map(apiKeyOf)
  }
}
