import type pg from 'pg'
import { demandAllRows } from '../database/all-rows.ts'

/** A change to keys or tokens, as the triggers of migration 022 have written it down. */
export interface AuditEntry {
  readonly id: string
  readonly at: Date
  /** key.created, key.rotated, … */
  readonly action: string
  readonly keyId: number | null
  readonly keyPrefix: string | null
  readonly keyName: string | null
  readonly actor: { readonly kind: 'token' | 'command' | 'database', readonly name: string }
  readonly databaseRole: string
  readonly address: string | null
  readonly requestId: string | null
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
}

/** All that is given must hold. */
export interface AuditQuery {
  readonly keyId?: number | undefined
  readonly action?: string | undefined
  /** Name of the actor. */
  readonly actor?: string | undefined
  readonly from?: Date | undefined
  /** Not included. */
  readonly to?: Date | undefined
  readonly limit: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined
}

/** The latest first. Rejects with RowsHiddenError where row-level security hides the log from the pool's role. */
export async function readAuditLog (pool: pg.Pool, { keyId, action, actor, from, to, limit, cursor }: AuditQuery): Promise<{ data: AuditEntry[], nextCursor: string | null }> {
  await demandAllRows(pool, 'latchkey.audit')
  const { rows } = await pool.query<AuditEntry>(
    `select a.id::text as id, a.at, a.action, a.key_id::float8 as "keyId", a.key_prefix as "keyPrefix", a.key_name as "keyName",
       pg_catalog.json_build_object('kind', a.actor_kind, 'name', a.actor_name) as actor, a.database_role as "databaseRole",
       pg_catalog.host(a.address) as address, a.request_id as "requestId", a.before, a.after
     from latchkey.audit as a
     where ($1::bigint is null or a.id < $1::bigint)
       and ($2::bigint is null or a.key_id = $2::bigint)
       and ($3::text is null or a.action = $3::text)
       and ($4::text is null or a.actor_name = $4::text)
       and ($5::timestamptz is null or a.at >= $5::timestamptz)
       and ($6::timestamptz is null or a.at < $6::timestamptz)
     order by a.id desc limit $7::int`,
    [cursor ?? null, keyId ?? null, action ?? null, actor ?? null, from ?? null, to ?? null, limit + 1])
  const data = rows.slice(0, limit)
  return { data, nextCursor: rows.length > limit ? data.at(-1)?.id ?? null : null }
}
