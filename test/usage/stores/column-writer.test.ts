import t from 'tap'
import { Backlog } from '../../../src/usage/backlog.ts'
import type { UsageRow } from '../../../src/usage/row.ts'
import { bigintArray } from '../../../src/usage/stores/binary-array.ts'
import { ColumnWriter } from '../../../src/usage/stores/column-writer.ts'
import { createDatabase } from '../../support/postgres.ts'
import { decode, rowOf } from '../support.ts'

const read = `
  select key_id::text, created_at_ms, status_code, response_time_ms, endpoint, method, ip_address, user_agent, route, request_id,
    request_bytes::text, response_bytes::text
  from unnest($1::bigint[], $2::float8[], $3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::bigint[], $12::bigint[])
    as used (key_id, created_at_ms, status_code, response_time_ms, endpoint, method, ip_address, user_agent, route, request_id,
      request_bytes, response_bytes)`

t.test('Postgres reads what was put in, batch after batch', async (t) => {
  const { pool } = await createDatabase(t)
  const writer = new ColumnWriter()
  const readBack = async (given: readonly UsageRow[]): Promise<unknown[]> => {
    const backlog = new Backlog(given.length)
    for (const row of given) backlog.add(row)
    const rows = backlog.take()!.rows!
    t.same(decode(rows), given)
    const { keyId, createdAtMs, statusCode, responseTimeMs, endpoint, method, ipAddress, userAgent, route, requestId, requestBytes, responseBytes } = writer.columnsOf(rows)
    return (await pool.query(read, [keyId, createdAtMs, statusCode, responseTimeMs, endpoint, method, ipAddress, userAgent, route, requestId, requestBytes, responseBytes])).rows
  }
  const asRead = (row: UsageRow) => ({
    key_id: String(row.keyId),
    created_at_ms: row.createdAtMs,
    status_code: row.statusCode,
    response_time_ms: row.responseTimeMs,
    endpoint: row.endpoint,
    method: row.method,
    ip_address: row.ipAddress,
    user_agent: row.userAgent,
    route: row.route,
    request_id: row.requestId,
    request_bytes: String(row.requestBytes),
    response_bytes: String(row.responseBytes),
  })
  const batches = [
    [rowOf(1, { requestBytes: 4_294_967_296, responseBytes: 9_007_199_254_740_991 })],
    [rowOf(4_294_967_295), rowOf(4_294_967_296), rowOf(9_007_199_254_740_991)],
    [rowOf(0, { createdAtMs: 1_763_843_000_123.4, statusCode: 0, responseTimeMs: 2_147_483_647, ipAddress: null, userAgent: null, endpoint: '', method: '', route: '', requestId: '' })],
    // Texts of every length about the pieces in which they are copied, and others beside them.
    Array.from({ length: 40 }, (_, i) => rowOf(i, { endpoint: '0123456789'.repeat(4).slice(0, i), userAgent: i % 2 === 0 ? null : 'ä'.repeat(i), requestId: '😀'.repeat(i % 5) })),
    Array.from({ length: 300 }, (_, i) => rowOf(i, { userAgent: '\xff'.repeat(i) })),
    [rowOf(2)],
  ]
  for (const rows of batches) t.same(await readBack(rows), rows.map(asRead))
  const ids = [0, 1, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_991]
  t.same((await pool.query('select $1::bigint[]::text[] as ids', [bigintArray(new Set(ids))])).rows, [{ ids: ids.map(String) }])
})
