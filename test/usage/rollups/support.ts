import pg from 'pg'
import type { Test } from 'tap'
import { latencyBoundsMs, latencyColumns } from '../../../src/usage/rollups/latency-buckets.ts'

/** The 1st of March 2026, 00:00 UTC. */
export const march = Date.UTC(2026, 2, 1)
export const hourMs = 3_600_000

export interface InsertedRow {
  readonly keyId: number
  readonly route?: string | null
  readonly status?: number | null
  readonly responseTimeMs?: number | null
  readonly requestBytes?: number | null
  readonly responseBytes?: number | null
  readonly createdAtMs?: number
}

/** By straight SQL, as any program might. */
export async function insertRows (client: pg.Pool | pg.ClientBase, rows: readonly InsertedRow[]): Promise<void> {
  await (client as pg.Pool).query(`
    insert into api_key_usage (api_key_id, endpoint, method, route, status_code, response_time_ms, request_bytes, response_bytes, created_at)
    select key_id, '/', 'GET', route, status, ms, sent, got, to_timestamp(at / 1000::float8)
    from unnest($1::bigint[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::float8[]) as r (key_id, route, status, ms, sent, got, at)`, [
    rows.map((row) => row.keyId),
    rows.map((row) => row.route ?? null),
    rows.map((row) => row.status === undefined ? 200 : row.status),
    rows.map((row) => row.responseTimeMs === undefined ? 7 : row.responseTimeMs),
    rows.map((row) => row.requestBytes ?? null),
    rows.map((row) => row.responseBytes ?? null),
    rows.map((row) => row.createdAtMs ?? march),
  ])
}

/** As a table is that nobody has partitioned. */
export async function makePlain (pool: pg.Pool): Promise<void> {
  await pool.query(`
    alter table public.api_key_usage rename to api_key_usage_partitioned;
    create table public.api_key_usage (like public.api_key_usage_partitioned including defaults, primary key (id))`)
}

/** A client of its own, ended with the test. */
export async function connect (t: Pick<Test, 'teardown'>, url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return client
}

const columns = `requests, request_bytes, response_bytes, response_ms, array[${latencyColumns.map((column) => `coalesce(${column}, 0)::bigint`).join(', ')}]`
const buckets = latencyColumns.map((_, i) => {
  const above = latencyBoundsMs[i - 1]
  const upTo = latencyBoundsMs[i]
  return `count(*) filter (where ${above === undefined ? 'true' : `response_time_ms > ${above}`} and ${upTo === undefined ? 'response_time_ms is not null' : `response_time_ms <= ${upTo}`})`
})

function counted (unit: 'hour' | 'day'): string {
  return `
    select date_trunc('${unit}', created_at at time zone 'UTC') at time zone 'UTC', api_key_id::bigint, coalesce(route, ''), coalesce(status_code, 0),
      count(*), coalesce(sum(request_bytes), 0)::bigint, coalesce(sum(response_bytes), 0)::bigint, coalesce(sum(response_time_ms), 0)::bigint,
      array[${buckets.join(', ')}]
    from api_key_usage group by 1, 2, 3, 4`
}

/** Rows of the roll-ups that aren't what the rows of usage come to, and the other way round. */
export async function wrongRollUps (pool: pg.Pool): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const [unit, table] of [['hour', 'latchkey.usage_hourly'], ['day', 'latchkey.usage_daily']] as const) {
    const rolledUp = `select ${unit}, api_key_id, route, status_code, ${columns} from ${table}`
    const { rows } = await pool.query(`
      select '${table}' as found_in, * from (${rolledUp} except all ${counted(unit)}) as extra
      union all
      select 'not in ${table}', * from (${counted(unit)} except all ${rolledUp}) as missing
      limit 10`)
    wrong.push(...rows)
  }
  return wrong
}

/** What the roll-ups hold in all. */
export async function rolledUpSums (pool: pg.Pool): Promise<{ hourly: number, daily: number }> {
  const { rows } = await pool.query<{ hourly: number, daily: number }>(`
    select coalesce((select sum(requests) from latchkey.usage_hourly), 0)::int as hourly,
      coalesce((select sum(requests) from latchkey.usage_daily), 0)::int as daily`)
  return rows[0]!
}
