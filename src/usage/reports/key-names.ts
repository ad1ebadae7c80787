import type { Pool } from 'pg'
import { boundedQuery } from '../../database/bounded-query.ts'

export interface KeyName {
  readonly prefix: string
  readonly name: string
}

const keyNamesSql = `
select id::float8 as id, coalesce(key_prefix, '') as prefix, coalesce(name, '') as name
from public.api_keys where id = any ($1::bigint[])`

/** How people know the keys of a report. Keys that are gone are left out. */
export async function keyNames (pool: Pool, ids: readonly number[], timeoutMs = 10_000): Promise<Map<number, KeyName>> {
  if (ids.length === 0) return new Map()
  const rows = await boundedQuery<KeyName & { id: number }>(pool, { text: keyNamesSql, values: [[...new Set(ids)]], timeoutMs })
  return new Map(rows.map(({ id, prefix, name }) => [id, { prefix, name }]))
}
