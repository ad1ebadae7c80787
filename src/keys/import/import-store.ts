import type pg from 'pg'
import { hidesRows } from '../../database/hidden-rows.ts'
import { variantsOf } from './bcrypt-hash.ts'
import type { CheckedRow } from './row-checks.ts'

export type ImportedRow = CheckedRow & { readonly userId: string }

export interface UserRights {
  /** Made by migration 010: users are ours to add. */
  readonly isOurs: boolean
  readonly readsIds: boolean
  readonly readsEmails: boolean
  /** A user that isn't found may be one that this role isn't shown. */
  readonly hidesRows: boolean
}

/** Longer, and another import is under way, or somebody holds the table. */
const lockTimeoutMs = 10_000

/** What an import asks of Postgres, within its transaction. Lists are one parameter each: there may be 65,535. */
export class ImportStore {
  readonly #client: pg.ClientBase

  constructor (client: pg.ClientBase) {
    this.#client = client
  }

  /** Of two imports at once the second sees what the first has imported. Rejects with SQLSTATE 55P03 if that takes too long. */
  async begin (): Promise<void> {
    await this.#client.query("select pg_catalog.set_config('lock_timeout', $1, true)", [`${lockTimeoutMs}`])
    await this.#client.query("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('latchkey: import of keys', 0))")
  }

  /** Those of the hashes that a key has, or had before a rotation, under any of their names. */
  async heldHashes (hashes: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#client.query<{ key_hash: string }>(
      `select key_hash::text from public.api_keys where key_hash::text = any($1::text[])
       union select key_hash from latchkey.earlier_secrets where key_hash = any($1::text[])`, [hashes.flatMap(variantsOf)])
    return new Set(rows.flatMap(({ key_hash: hash }) => variantsOf(hash)))
  }

  async userRights (): Promise<UserRights> {
    const { rows: [row] } = await this.#client.query<UserRights>(
      `select coalesce(pg_catalog.obj_description(c.oid, 'pg_class') like 'Made by Latchkey:%', false) as "isOurs",
         pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_column_privilege(c.oid, 'id', 'select') as "readsIds",
         pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_column_privilege(c.oid, 'id', 'select')
           and pg_catalog.has_column_privilege(c.oid, 'email', 'select') as "readsEmails",
         ${hidesRows('c.oid')} as "hidesRows"
       from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
       where n.nspname = 'auth' and c.relname = 'users'`)
    return row ?? { isOurs: false, readsIds: false, readsEmails: false, hidesRows: true }
  }

  async existingIds (ids: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#client.query<{ id: string }>('select id::text from auth.users where id = any($1::uuid[])', [ids])
    return new Set(rows.map(({ id }) => id))
  }

  /** For each email that somebody has: the one who has it; null: more than one. */
  async idsByEmail (emails: readonly string[]): Promise<Map<string, string | null>> {
    const { rows } = await this.#client.query<{ email: string, id: string | null }>(
      `select asked.email, case when pg_catalog.count(*) = 1 then pg_catalog.min(u.id::text) end as id
       from pg_catalog.unnest($1::text[]) as asked (email)
       join auth.users as u on pg_catalog.lower(u.email::text) = pg_catalog.lower(asked.email)
       group by asked.email`, [emails])
    return new Map(rows.map(({ email, id }) => [email, id]))
  }

  /** Emails that differ in case only are one user's. */
  async addUsers ({ ids, emails }: { readonly ids: readonly string[], readonly emails: readonly string[] }): Promise<void> {
    await this.#client.query(
      `insert into auth.users (id, email)
       select id, null from pg_catalog.unnest($1::uuid[]) as asked (id)
       union all
       select pg_catalog.gen_random_uuid(), pg_catalog.min(email) from pg_catalog.unnest($2::text[]) as asked (email) group by pg_catalog.lower(email)
       on conflict do nothing`, [ids, emails])
  }

  /** Without digests: only the key itself could tell them, at its first use. */
  async insert (rows: readonly ImportedRow[]): Promise<void> {
    await this.#client.query(
      `insert into public.api_keys
         (user_id, key_hash, key_prefix, name, description, scopes, environment, is_active, expires_at, last_used_at, created_at,
          revoked_at, latchkey_metadata)
       select "userId", "keyHash", prefix, name, description, scopes, environment, "isActive", "expiresAt", "lastUsedAt",
         coalesce("createdAt", pg_catalog.now()), "revokedAt", metadata
       from pg_catalog.json_to_recordset($1::json) as r (
         "userId" uuid, "keyHash" text, prefix text, name text, description text, scopes text[], environment text,
         "isActive" boolean, "expiresAt" timestamptz, "lastUsedAt" timestamptz, "createdAt" timestamptz,
         "revokedAt" timestamptz, metadata jsonb)`, [JSON.stringify(rows)])
  }

  async savepoint (): Promise<void> {
    await this.#client.query('savepoint rows')
  }

  async keep (): Promise<void> {
    await this.#client.query('release savepoint rows')
  }

  async undo (): Promise<void> {
    await this.#client.query('rollback to savepoint rows; release savepoint rows')
  }
}
