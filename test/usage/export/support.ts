import type { Pool } from 'pg'
import type { ExportedRow } from '../../../src/usage/export/exported-row.ts'
import { type ExportRequest, exportPages } from '../../../src/usage/export/pages.ts'
import { settledId } from '../../../src/usage/rollups/settled.ts'

export const aRow: ExportedRow = {
  id: 7,
  keyId: 3,
  keyPrefix: 'sk_live_a1B2',
  userId: '5f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11',
  route: 'read',
  endpoint: '/inventory/1',
  method: 'GET',
  status: 200,
  ipAddress: '192.0.2.1',
  userAgent: 'curl/8',
  responseTimeMs: 12,
  requestBytes: 0,
  responseBytes: 340,
  createdAt: new Date('2030-01-31T12:00:00.123Z'),
  requestId: 'r-1',
}

/** Rows of all given keys by turns, a second apart and the last one now, two routes, every tenth a 404, every hundredth a 503. */
export async function insertRows (pool: Pool, keyIds: readonly number[], count: number): Promise<void> {
  await pool.query(`
    insert into api_key_usage (api_key_id, route, endpoint, method, status_code, ip_address, user_agent, response_time_ms, created_at, request_id, request_bytes, response_bytes)
    select ($1::int[])[1 + n % array_length($1::int[], 1)], case n % 3 when 0 then 'write' else 'read' end, '/inventory/' || n, 'GET',
      case when n % 100 = 0 then 503 when n % 10 = 0 then 404 else 200 end, '192.0.2.1', 'curl/8', n % 50,
      now() - ($2::int - n) * interval '1 second', 'request-' || n, 0, n
    from generate_series(1, $2::int) as n order by n`, [keyIds, count])
}

export async function settled (pool: Pool): Promise<number> {
  const id = await settledId(pool, { timeoutMs: 30_000 })
  if (id === null) throw new Error('somebody is still inserting')
  return id
}

/** All pages of an export up to what is settled now. */
export async function exported (pool: Pool, request: Partial<ExportRequest> = {}): Promise<{ rows: ExportedRow[], cursor: number, pages: number }> {
  const all = { rows: [] as ExportedRow[], cursor: request.afterId ?? 0, pages: 0 }
  for await (const { rows, cursor } of exportPages(pool, { afterId: 0, settledId: await settled(pool), ...request })) {
    all.rows.push(...rows)
    all.cursor = cursor
    all.pages++
  }
  return all
}
