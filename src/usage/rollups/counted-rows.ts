import { bucketSql, latencyColumns } from './latency-buckets.ts'

/**
 * SQL: the rows of api_key_usage that `condition` allows, as the roll-ups count them. Reports count the rows that aren't
 * rolled up yet by the very same text. Columns: `hour`, `api_key_id`, `route`, `status_code`, and the measures below.
 */
export function countedRows (condition: string): string {
  return `
  select hour, api_key_id, route, status_code, ${countedMeasures.join(',\n    ')}
  from (
    select
      pg_catalog.date_trunc('hour', created_at, 'UTC') as hour,
      api_key_id::bigint as api_key_id,
      -- An index takes no more than 2,700 bytes; the gateway's own routes are shorter.
      pg_catalog.left(coalesce(route, ''), 255) as route,
      coalesce(status_code, 0)::integer as status_code,
      request_bytes, response_bytes, response_time_ms,
      ${bucketSql} as bucket
    from public.api_key_usage
    -- A hand-made table may hold rows of no time or no key.
    where pg_catalog.isfinite(created_at) and api_key_id is not null and ${condition}
  ) as used
  group by hour, api_key_id, route, status_code`
}

/** What is added up, in the order of the tables' columns. */
export const measures: readonly string[] = ['requests', 'request_bytes', 'response_bytes', 'response_ms', ...latencyColumns]

const countedMeasures: readonly string[] = [
  'pg_catalog.count(*) as requests',
  'coalesce(pg_catalog.sum(request_bytes), 0)::bigint as request_bytes',
  'coalesce(pg_catalog.sum(response_bytes), 0)::bigint as response_bytes',
  'coalesce(pg_catalog.sum(response_time_ms), 0)::bigint as response_ms',
  ...latencyColumns.map((column, bucket) => `nullif(pg_catalog.count(*) filter (where bucket = ${bucket}), 0) as ${column}`),
]
