import type pg from 'pg'
import { type Actor, inChange } from '../database/change.ts'
import { sqlState } from '../database/sqlstate.ts'
import { UsageError } from '../errors.ts'
import { type AdminToken, adminTokenColumns, type TokenRights } from './admin-token.ts'
import { generateToken, tokenBrand, tokenHashOf, tokenPrefixOf } from './format.ts'
import { checkedTokenName } from './token-names.ts'

export type { AdminToken, TokenRights, TokenStatus } from './admin-token.ts'

export interface NewToken {
  /** Of the tokens that aren't revoked, no two have the same. */
  readonly name: string
  readonly rights: TokenRights
  /** Left out or null: never expires. */
  readonly expiresAt?: Date | null | undefined
}

/** `token` is the secret itself: it can't be had a second time. */
export interface TokenWithSecret {
  readonly token: string
  readonly adminToken: AdminToken
}

const uniqueViolation = '23505'

/** Makes and revokes tokens, straight on the database. Rejects with UsageError for what a person can mend. */
export class TokenManager {
  readonly #pool: pg.Pool
  readonly #actor: Actor | null

  /** `actor`: for the audit log; null: it has the database role alone. */
  constructor ({ pool, actor = null }: { readonly pool: pg.Pool, readonly actor?: Actor | null }) {
    this.#pool = pool
    this.#actor = actor
  }

  async create ({ name, rights, expiresAt = null }: NewToken): Promise<TokenWithSecret> {
    const checkedName = checkedTokenName(name)
    // Negated, so that an invalid date, whose time is NaN, is refused too.
    if (expiresAt !== null && !(expiresAt.getTime() > Date.now())) throw new UsageError('expiry must be a date in the future')
    const token = generateToken()
    try {
      const [adminToken] = await this.#change(
        `insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights, expires_at)
         values ($1, $2, $3, $4, $5) returning ${adminTokenColumns}`,
        [checkedName, tokenPrefixOf(token), tokenHashOf(token), rights, expiresAt])
      return { token, adminToken: adminToken! }
    } catch (err) {
      if (sqlState(err) !== uniqueViolation) throw err
      throw new UsageError(`A token is called ${checkedName} already, and isn't revoked: choose another name, or revoke it first`, { cause: err })
    }
  }

  /** All, the oldest first. */
  async list (): Promise<AdminToken[]> {
    const { rows } = await this.#pool.query<AdminToken>(`select ${adminTokenColumns} from latchkey.admin_tokens order by admin_tokens.id`)
    return rows
  }

  /** Once and for all, on every gateway at once. Revoking again changes nothing. */
  async revoke (nameOrPrefix: string): Promise<AdminToken> {
    const { id } = await this.#named(nameOrPrefix)
    const [token] = await this.#change(
      `update latchkey.admin_tokens set revoked_at = coalesce(revoked_at, pg_catalog.now())
       where id = $1::bigint returning ${adminTokenColumns}`, [id])
    return token ?? noSuchToken(nameOrPrefix)
  }

  /** Of those of one name, all but one are revoked: the one that isn't, else the latest. */
  async #named (nameOrPrefix: string): Promise<AdminToken> {
    const text = nameOrPrefix.trim()
    const isPrefix = text.startsWith(tokenBrand)
    const { rows } = await this.#pool.query<AdminToken>(
      `select ${adminTokenColumns} from latchkey.admin_tokens where ${isPrefix ? 'token_prefix' : 'name'} = $1::text
       order by revoked_at desc nulls first, admin_tokens.id desc`, [isPrefix ? tokenPrefixOf(text) : text])
    const [token, ...others] = rows
    if (token === undefined) return noSuchToken(isPrefix ? tokenPrefixOf(text) : text)
    const alike = others.filter(({ revokedAt }) => revokedAt === null)
    if (alike.length > 0) {
      throw new UsageError(`More than one token has the prefix ${token.prefix}: say which by its name, one of ${[token, ...alike].map(({ name }) => name).join(', ')}`)
    }
    return token
  }

  async #change (text: string, values: unknown[]): Promise<AdminToken[]> {
    return await inChange(this.#pool, this.#actor, async (client) => (await client.query<AdminToken>(text, values)).rows)
  }
}

function noSuchToken (nameOrPrefix: string): never {
  throw new UsageError(nameOrPrefix.startsWith(tokenBrand) ? `No token has the prefix ${nameOrPrefix}` : `No token is called ${nameOrPrefix}`)
}
