export type TokenRights = 'read' | 'write'
export type TokenStatus = 'active' | 'revoked' | 'expired'

/** A token as its manager sees it: never its hash. */
export interface AdminToken {
  readonly id: number
  readonly name: string
  readonly prefix: string
  readonly rights: TokenRights
  readonly status: TokenStatus
  readonly createdAt: Date
  /** Null: never. */
  readonly expiresAt: Date | null
  /** To the minute. */
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

/** Of latchkey.admin_tokens: whether a token works now, by the database's clock, which all gateways share. */
export const isUsableSql = '(revoked_at is null and (expires_at is null or expires_at > pg_catalog.now()))'

/** Of latchkey.admin_tokens, as AdminToken has them. 'infinity' can be no Date, and is as good as no end. */
export const adminTokenColumns = `id::float8 as id, name, token_prefix as prefix, rights,
  case when revoked_at is not null then 'revoked' when ${isUsableSql} then 'active' else 'expired' end as status,
  created_at as "createdAt", nullif(expires_at, 'infinity'::timestamptz) as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`
