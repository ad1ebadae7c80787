import type { Test } from 'tap'
import type pg from 'pg'
import { inTransaction, withMigrationSession } from '../../../src/database/migration-session.ts'
import { revertUsage } from '../../../src/database/partitioning/index.ts'
import { createDatabase, type TestDatabase } from '../../support/postgres.ts'
import { addKeys, addUser } from '../rows.ts'

export interface PlainUsage extends TestDatabase {
  readonly keyIds: readonly number[]
}

/** Every migration has run, but usage isn't partitioned yet: in one plain table, with the seed's id. Ten keys. */
export async function createPlainUsage (t: Pick<Test, 'teardown'>, rows = 0): Promise<PlainUsage> {
  const database = await createDatabase(t)
  await withMigrationSession({ connectionString: database.url, lockTimeoutMs: 10_000 }, async (client) => {
    await inTransaction(client, async () => await revertUsage(client, { losesRows: false }))
  })
  await database.pool.query('alter table api_key_usage alter column id type integer; alter sequence api_key_usage_id_seq as integer')
  const keyIds = await addKeys(database.pool, await addUser(database.pool), 10)
  if (rows > 0) await addUsage(database.pool, keyIds, rows)
  return { ...database, keyIds }
}

/** A row an hour, back from now, of each key in turn. */
export async function addUsage (pool: pg.Pool, keyIds: readonly number[], rows: number): Promise<void> {
  await pool.query(`
    insert into api_key_usage (api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms, created_at)
    select ($1::int[])[1 + n % $2], '/' || n, 'GET', 200, '192.0.2.1', case when n % 7 = 0 then null else 'agent ' || n end, n, now() - n * interval '1 hour'
    from generate_series(1, $3::int) as n`, [keyIds, keyIds.length, rows])
}

/** Every row with all its columns, by id. */
export async function usageOf (pool: pg.Pool, table = 'api_key_usage'): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(`select u::text as row from ${table} as u order by id`)
  return rows.map(({ row }) => row)
}

/** How many rows lie in each partition that has any. */
export async function partitionCounts (pool: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string, count: number }>(`
    select c.relname as name, count(*)::int as count from api_key_usage as u join pg_class as c on c.oid = u.tableoid group by 1 order by 1`)
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}
