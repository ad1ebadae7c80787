import { pino } from 'pino'
import t from 'tap'
import { RowMaker } from '../../bench/usage/made-rows.ts'
import { type WayToWrite, waysToWrite } from '../../bench/usage/ways-to-write.ts'
import { createPool } from '../../src/database/pool.ts'
import { createDatabase } from '../support/postgres.ts'
import { createKeys } from '../usage/support.ts'

const columns = 'api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms, created_at, route, request_id, request_bytes, response_bytes'

t.test('every way that the bench compares stores the very same rows', async t => {
  const database = await createDatabase(t)
  const pool = createPool({ connectionString: database.url, applicationName: 'test', connectionsMax: 1, queryTimeoutMs: 30_000, logger: pino({ level: 'silent' }) })
  t.teardown(() => pool.end())
  const rows = new RowMaker(await createKeys(pool, 20)).batch(500)
  const stored = new Map<WayToWrite, unknown[]>()
  for (const way of Object.keys(waysToWrite) as WayToWrite[]) {
    const write = await waysToWrite[way](pool)
    await write(rows)
    stored.set(way, (await pool.query(`select ${columns} from api_key_usage order by request_id`)).rows)
    await pool.query('truncate api_key_usage')
  }
  t.equal(stored.get('unnest')?.length, 500)
  t.same(stored.get('copy'), stored.get('unnest'))
  t.same(stored.get('copy, staged'), stored.get('unnest'))
})
