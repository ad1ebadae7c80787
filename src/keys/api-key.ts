import { hash } from 'node:crypto'
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
  readonly metadata: Readonly<Record<string, unknown>>
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly createdAt: Date | null
  readonly revokedAt: Date | null
  /** Secrets that a rotation replaced and that still work, the latest first. */
  readonly earlierSecrets: readonly EarlierSecret[]
}

export interface EarlierSecret {
  readonly id: number
  readonly prefix: string
  readonly rotatedAt: Date
  /** The end of its grace, or of the key itself where that comes first. */
  readonly expiresAt: Date
  /** Null: not since the rotation. */
  readonly lastUsedAt: Date | null
  readonly lastUserAgent: string | null
}

// The order of the gateway's own verdict: revoked wins, then disabled, then expired.
export const statusSql = `case when revoked_at is not null then 'revoked'
  when is_active is not true then 'disabled'
  when expires_at <= pg_catalog.now() then 'expired'
  else 'active' end`

/** Of public.api_keys, without an alias. */
export const apiKeyColumns = `api_keys.id::float8 as id, user_id::text, key_prefix, name, description, scopes, environment,
  ${statusSql} as status, latchkey_metadata as metadata, expires_at, last_used_at, created_at, revoked_at, (
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'id', e.id, 'prefix', e.key_prefix, 'rotatedAt', e.created_at, 'expiresAt', least(e.expires_at, api_keys.expires_at),
      'lastUsedAt', e.last_used_at, 'lastUserAgent', e.last_user_agent) order by e.id desc)
    from latchkey.earlier_secrets as e
    where e.api_key_id = api_keys.id and least(e.expires_at, api_keys.expires_at) > pg_catalog.now()
  ) as earlier_secrets`

export interface ApiKeyRow {
  id: number
  user_id: string | null
  key_prefix: string | null
  name: string | null
  description: string | null
  scopes: unknown
  environment: string | null
  status: ApiKeyStatus
  metadata: Record<string, unknown> | null
  expires_at: Date | number | null
  last_used_at: Date | number | null
  created_at: Date | number | null
  revoked_at: Date | number | null
  earlier_secrets: { id: number, prefix: string, rotatedAt: string, expiresAt: string, lastUsedAt: string | null, lastUserAgent: string | null }[] | null
}

export function apiKeyOf (row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    userId: row.user_id ?? '',
    prefix: row.key_prefix ?? '',
    name: row.name ?? '',
    description: row.description,
    scopes: scopesOf(row.scopes),
    environment: row.environment,
    status: row.status,
    metadata: row.metadata ?? {},
    expiresAt: dateOf(row.expires_at),
    lastUsedAt: dateOf(row.last_used_at),
    createdAt: dateOf(row.created_at),
    revokedAt: dateOf(row.revoked_at),
    earlierSecrets: (row.earlier_secrets ?? []).map(({ rotatedAt, expiresAt, lastUsedAt, ...secret }) => ({
      ...secret,
      rotatedAt: new Date(rotatedAt),
      expiresAt: new Date(expiresAt),
      lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt),
    })),
  }
}

/**
 * Changes whenever something about the key does that somebody has decided. Its use, and the passing of time, decide
 * nothing.
 */
export function versionOf (key: ApiKey): string {
  const { lastUsedAt, earlierSecrets, status, ...decided } = key
  return hash('sha256', JSON.stringify([decided, status === 'disabled']), 'base64url').slice(0, 22)
}

/** 'infinity' arrives as a number: as good as no date. */
function dateOf (value: Date | number | null): Date | null {
  return value instanceof Date ? value : null
}
