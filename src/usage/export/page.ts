import type { Pool } from 'pg'
import { boundedQuery } from '../../database/bounded-query.ts'
import type { ExportedRow } from './exported-row.ts'
import type { ExportFilter } from './filter.ts'

/** A stretch of ids, its beginning left out. */
export interface Stretch {
  readonly afterId: number
  readonly lastId: number
}

export interface PageQuestion {
  readonly stretch: Stretch
  readonly filter: ExportFilter
  readonly rowsMax: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Texts of hand-made rows may be of any length, and a page is held whole. */
const charactersMax = 4096

/**
 * The first rows of a stretch, in the order of their ids. The stretch bounds what Postgres reads, however few rows the
 * filter lets through. Outer, so that a key which is gone, in a table without the foreign key, takes no row along.
 *
 * Tables and functions are named with their schemas, so that the role's search_path decides nothing.
 */
const pageSql = `
select used.id::float8 as id, used.api_key_id::float8 as "keyId", keys.key_prefix as "keyPrefix", keys.user_id::text as "userId",
  pg_catalog.left(used.route, ${charactersMax}) as route, pg_catalog.left(used.endpoint, ${charactersMax}) as endpoint,
  pg_catalog.left(used.method, ${charactersMax}) as method, used.status_code::float8 as status,
  pg_catalog.host(used.ip_address) as "ipAddress", pg_catalog.left(used.user_agent, ${charactersMax}) as "userAgent",
  used.response_time_ms::float8 as "responseTimeMs", used.request_bytes::float8 as "requestBytes",
  used.response_bytes::float8 as "responseBytes",
  case when pg_catalog.isfinite(used.created_at) then used.created_at end as "createdAt",
  pg_catalog.left(used.request_id, ${charactersMax}) as "requestId"
from public.api_key_usage as used
left join public.api_keys as keys on keys.id = used.api_key_id
where used.id > $1::bigint and used.id <= $2::bigint
  and ($3::timestamptz is null or used.created_at >= $3::timestamptz)
  and ($4::timestamptz is null or used.created_at < $4::timestamptz)
  and ($5::bigint is null or used.api_key_id = $5::bigint)
  and ($6::uuid is null or keys.user_id = $6::uuid)
  and ($7::text is null or used.route = $7::text)
  and ($8::int is null or used.status_code between $8::int and $9::int)
order by used.id limit $10::int`

export async function readPage (pool: Pool, { stretch, filter, rowsMax, timeoutMs, signal }: PageQuestion): Promise<ExportedRow[]> {
  return await boundedQuery<ExportedRow & Record<string, unknown>>(pool, {
    text: pageSql,
    values: [stretch.afterId, stretch.lastId, filter.from, filter.until, filter.keyId, filter.userId, filter.route,
      filter.status?.least ?? null, filter.status?.most ?? null, rowsMax],
    timeoutMs,
    signal,
  })
}
