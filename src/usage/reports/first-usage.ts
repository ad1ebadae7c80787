import type { Ask } from './snapshot.ts'

/**
 * Rows tell the moment, roll-ups only an hour or a day in which it was: its end counts, lest a first day that was begun
 * late be taken for a whole one. An index each ends the search at its first entry.
 */
const firstUsageSql = `
select least(
  (select pg_catalog.min(created_at) from public.api_key_usage where pg_catalog.isfinite(created_at)),
  (select pg_catalog.min(hour) from latchkey.usage_hourly where pg_catalog.isfinite(hour)) + interval '1 hour',
  (select pg_catalog.min(day) from latchkey.usage_daily where pg_catalog.isfinite(day)) + interval '24 hours'
) as first`

/** Since when usage is known; null where there is none. */
export async function firstUsage (ask: Ask): Promise<Date | null> {
  const [row] = await ask<{ first: Date | null }>(firstUsageSql, [])
  return row?.first ?? null
}
