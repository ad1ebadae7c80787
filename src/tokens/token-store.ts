import type pg from 'pg'
import { hidesRows } from '../database/hidden-rows.ts'
import { isConnectionLost } from '../database/sqlstate.ts'
import type { TimedQuery } from '../database/timed-query.ts'
import { isUsableSql, type TokenRights } from './admin-token.ts'

export interface TokenCandidate {
  readonly id: number
  readonly name: string
  readonly rights: TokenRights
  readonly hash: Buffer
  /** Neither revoked nor expired. */
  readonly isUsable: boolean
}

export interface TokensFound {
  readonly candidates: readonly TokenCandidate[]
  /** Whether any token works, this or another. */
  readonly isAnyUsable: boolean
  /** Row-level security may keep some from this role: what wasn't found may be there all the same. */
  readonly hidesRows: boolean
}

interface Row {
  hides_rows: boolean
  is_any_usable: boolean
  id: number | null
  name: string
  rights: TokenRights
  token_hash: Buffer
  is_usable: boolean
}

/** Whoever waits for it waits to be let in at all. */
const queryTimeoutMs = 5_000
const useNotedEverySql = "'1 minute'::interval"

const byPrefix = `
  select ${hidesRows("'latchkey.admin_tokens'::regclass")} as hides_rows,
    exists (select from latchkey.admin_tokens where ${isUsableSql}) as is_any_usable, candidate.*
  from (select) as asked
  left join (
    select id::float8 as id, name, rights, token_hash, ${isUsableSql} as is_usable
    from latchkey.admin_tokens where token_prefix = $1::text
  ) as candidate on true`

/** What checking a token asks of Postgres. */
export class TokenStore {
  readonly #pool: pg.Pool

  constructor (pool: pg.Pool) {
    this.#pool = pool
  }

  async find (prefix: string): Promise<TokensFound> {
    const rows = await this.#ask(prefix)
    return {
      candidates: rows.filter(({ id }) => id !== null).map(({ id, name, rights, token_hash: hash, is_usable: isUsable }) => ({ id: id!, name, rights, hash, isUsable })),
      isAnyUsable: rows[0]?.is_any_usable ?? false,
      hidesRows: rows[0]?.hides_rows ?? true,
    }
  }

  /** Of several gateways one writes; so often at most, and without waiting for a row that another holds. */
  async noteUse (id: number): Promise<void> {
    await this.#pool.query(
      `update latchkey.admin_tokens set last_used_at = pg_catalog.now()
       where id = (select id from latchkey.admin_tokens where id = $1::bigint
         and (last_used_at is null or last_used_at < pg_catalog.now() - ${useNotedEverySql}) for no key update skip locked)`, [id])
  }

  /** A connection that was lost while nobody looked costs nobody an answer. */
  async #ask (prefix: string): Promise<Row[]> {
    const query: TimedQuery = { text: byPrefix, values: [prefix], query_timeout: queryTimeoutMs }
    try {
      return (await this.#pool.query<Row>(query)).rows
    } catch (err) {
      if (!isConnectionLost(err)) throw err
      return (await this.#pool.query<Row>(query)).rows
    }
  }
}
