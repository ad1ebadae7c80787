import type { Ask } from './snapshot.ts'

/** A key in force, as the reports on keys name it: never its hash. */
export interface ActiveKey {
  readonly id: number
  readonly prefix: string
  readonly name: string
  readonly userId: string
  readonly scopes: readonly string[]
  /** Null where a hand-made row doesn't say. */
  readonly createdAt: Date | null
  readonly lastUsedAt: Date | null
}

export interface ActiveKeyFilter {
  readonly keyId?: number | null
  readonly userId?: string | null
  /** Not used since then, nor made since: a key needs time to be used at all. */
  readonly idleSince?: Date | null
  /** Leaves out keys of which no use was ever recorded. */
  readonly isUseKnown?: boolean
  readonly afterId?: number
  readonly limit: number
}

/** Of a page. */
export const keysMax = 500

/**
 * In the order of their ids, so that a page stays the same when others are used meanwhile. NULL elements of `scopes`,
 * which text[] allows, grant nothing. 'infinity' is as good as no date.
 */
const activeKeysSql = `
select id::float8 as id, coalesce(key_prefix, '') as prefix, coalesce(name, '') as name, coalesce(user_id::text, '') as "userId",
  pg_catalog.array_remove(scopes::text[], null) as scopes,
  case when pg_catalog.isfinite(created_at) then created_at end as "createdAt",
  case when pg_catalog.isfinite(last_used_at) then last_used_at end as "lastUsedAt"
from public.api_keys
where id > $1::bigint
  and revoked_at is null and is_active and (expires_at is null or expires_at > pg_catalog.now())
  and ($2::bigint is null or id = $2::bigint)
  and ($3::uuid is null or user_id = $3::uuid)
  and ($4::timestamptz is null or coalesce(last_used_at, created_at, '-infinity'::timestamptz) < $4::timestamptz)
  and (not $6::boolean or last_used_at is not null)
order by api_keys.id limit $5::int`

export async function activeKeys (ask: Ask, { keyId = null, userId = null, idleSince = null, isUseKnown = false, afterId = 0, limit }: ActiveKeyFilter): Promise<ActiveKey[]> {
  const rows = await ask<Omit<ActiveKey, 'scopes'> & { scopes: unknown[] | null }>(activeKeysSql, [afterId, keyId, userId, idleSince, limit, isUseKnown])
  return rows.map(row => ({ ...row, scopes: (row.scopes ?? []).filter(scope => typeof scope === 'string') }))
}

/** `limit` of the keys and, where there are more, what to go on behind. */
export function pageOf<T extends { readonly id: number }> (keys: readonly T[], limit: number): { readonly data: readonly T[], readonly nextCursor: string | null } {
  const data = keys.slice(0, limit)
  return { data, nextCursor: keys.length > limit ? String(data.at(-1)?.id) : null }
}
