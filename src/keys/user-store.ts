import type pg from 'pg'
import { sqlState } from '../database/sqlstate.ts'

const insufficientPrivilege = '42501'

/** Whose keys these are: `auth.users`, Supabase's own or the stand-in that migration 010 makes elsewhere. */
export class UserStore {
  readonly #pool: pg.Pool | pg.ClientBase

  constructor (pool: pg.Pool | pg.ClientBase) {
    this.#pool = pool
  }

  /** Two at most: whether an email is anybody's, and whether it is more than one's. */
  async idsByEmail (email: string): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>(
      'select id::text from auth.users where pg_catalog.lower(email::text) = pg_catalog.lower($1::text) limit 2', [email])
    return rows.map((row) => row.id)
  }

  /** By id. None where the role may not look: what the product does needs no email. */
  async emailsOf (ids: readonly string[]): Promise<Map<string, string>> {
    try {
      const { rows } = await this.#pool.query<{ id: string, email: string }>('select id::text, email::text from auth.users where id = any ($1::uuid[]) and email is not null', [ids])
      return new Map(rows.map(({ id, email }) => [id, email]))
    } catch (err) {
      if (sqlState(err) === insufficientPrivilege) return new Map()
      throw err
    }
  }

  /** Only migration 010 comments the table so; nobody else's users are ours to make. */
  async isOurs (): Promise<boolean> {
    const { rows } = await this.#pool.query<{ is_ours: boolean | null }>(
      `select pg_catalog.obj_description(c.oid, 'pg_class') like 'Made by Latchkey:%' as is_ours
       from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
       where n.nspname = 'auth' and c.relname = 'users'`)
    return rows[0]?.is_ours === true
  }

  /** Several commands may make the same user at once: whoever comes second finds the first one's row. */
  async create (user: { readonly id: string } | { readonly email: string }): Promise<void> {
    await this.#pool.query(
      'insert into auth.users (id, email) values (coalesce($1::uuid, pg_catalog.gen_random_uuid()), $2) on conflict do nothing',
      ['id' in user ? user.id : null, 'email' in user ? user.email : null])
  }
}
