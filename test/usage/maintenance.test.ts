import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type pg from 'pg'
import type { Test } from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { dropOldPartitions } from '../../src/usage/partitions.ts'
import { rollUp } from '../../src/usage/rollups/roll-up.ts'
import { UsageMaintenance, type UsageMaintenanceOptions } from '../../src/usage/maintenance.ts'
import { createDatabase } from '../support/postgres.ts'
import { createRole, gatewayGrants } from '../support/role.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { connect, insertRows, makePlain, rolledUpSums, wrongRollUps } from './rollups/support.ts'
import { captureLog, createKeys, openTransaction, type LogLine } from './support.ts'

const often = { rollUpEveryMs: 30, partitionsEveryMs: 60 } as const
const dayMs = 86_400_000

function maintain (t: Test, url: string, options: Partial<UsageMaintenanceOptions> = {}): { maintenance: UsageMaintenance, lines: LogLine[] } {
  const { logger, lines } = captureLog()
  const pool = createPool({ connectionString: url, applicationName: 'test', connectionsMax: 1, connectionsMin: 0, queryTimeoutMs: 30_000, connectTimeoutMs: 2_000, logger })
  const maintenance = new UsageMaintenance({ pool, retentionMs: null, ...often, logger, ...options })
  maintenance.start()
  t.teardown(async () => {
    await maintenance.close({ timeoutMs: 250 })
    await pool.endWithin(0)
  })
  return { maintenance, lines }
}

/** Without the pool's own, and without those about partitions, which are others' to test. */
function warnings (lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ level, msg }) => level >= 40 && !/^Lost an idle connection|^Partitions of usage/.test(msg))
}

t.test('several at once, beside writers, deleted keys and killed connections, count each row once', async (t) => {
  const { url, pool } = await createDatabase(t)
  const keys = await createKeys(pool, 12)
  const logs = Array.from({ length: 3 }, () => maintain(t, url, { rollUpEveryMs: 15 }).lines)
  const over = new AbortController()
  let statements = 0
  const random = (below: number): number => Math.floor(Math.random() * below)
  const writers = Array.from({ length: 4 }, async () => {
    const client = await connect(t, url)
    while (!over.signal.aborted) {
      await client.query('begin')
      for (let statement = 0; statement <= random(3); statement++) {
        const rows = Array.from({ length: 1 + random(30) }, () => ({
          keyId: keys[random(keys.length)]!,
          route: [null, 'read', 'write'][random(3)]!,
          status: [200, 200, 200, 404, 500][random(5)]!,
          responseTimeMs: random(9) === 0 ? null : Math.floor(Math.exp(random(1_100) / 100)),
          requestBytes: random(10_000),
          // Some were held on a gateway's disk for long.
          createdAtMs: Date.now() - (random(4) === 0 ? random(200) * 3_600_000 : random(5_000)),
        }))
        // Of a key that is being deleted; the gateway leaves such rows out.
        await insertRows(client, rows).catch(async () => await client.query('rollback; begin'))
        statements++
        if (random(4) === 0) await delay(random(40))
      }
      await client.query(random(5) === 0 ? 'rollback' : 'commit')
    }
  })
  for (let i = 0; i < 6; i++) {
    await until(() => statements >= 20 * (i + 1), 'rows have come')
    if (i % 2 === 0) await pool.query('delete from api_keys where id = $1', [keys.pop()])
    else await pool.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%latchkey.usage_%' and pid <> pg_backend_pid()")
  }
  over.abort()
  await Promise.all(writers)
  await until(async () => (await pool.query('select from api_key_usage where id > (select rolled_up_to from latchkey.usage_rollup)')).rowCount === 0, 'all is counted')
  t.strictSame(await wrongRollUps(pool), [])
  const { rows: [{ count }] } = await pool.query('select count(*)::int from api_key_usage')
  t.ok(count > 100, `${count} rows`)
  t.strictSame(await rolledUpSums(pool), { hourly: count, daily: count })
  for (const lines of logs) t.strictSame(warnings(lines).filter(({ msg }) => !/Somebody keeps keys|open for long/.test(msg)), [])
})

t.test('a forgotten transaction is told of once, and caught up with', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId }])
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [keyId])
  const { lines } = maintain(t, url)
  await until(() => warnings(lines).length > 0, 'it is said')
  await delay(200)
  t.match(warnings(lines), [{ msg: /^Somebody keeps keys or a table of usage locked/ }])
  t.equal(warnings(lines).length, 1)
  await holder.query('rollback')
  await until(async () => (await rolledUpSums(pool)).daily === 1, 'it is counted')
})

t.test('a database that is away, and one without the tables, are no flood of errors', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const proxy = await proxyTo(url)
  t.teardown(() => proxy.close())
  const { lines } = maintain(t, proxy.through(url))
  await insertRows(pool, [{ keyId }])
  await until(async () => (await rolledUpSums(pool)).daily === 1, 'the first is counted')
  await proxy.cut()
  await insertRows(pool, [{ keyId }])
  await delay(300)
  await proxy.resume()
  await until(async () => (await rolledUpSums(pool)).daily === 2, 'the second is counted')
  t.strictSame(warnings(lines), [])

  await pool.query('alter table latchkey.usage_rollup rename to elsewhere')
  await until(() => warnings(lines).length > 0, 'it is said')
  await delay(300)
  t.match(warnings(lines), [{ msg: 'Usage could not be rolled up. Run: latchkey migrate up' }])
  await pool.query('alter table latchkey.elsewhere rename to usage_rollup')
  await insertRows(pool, [{ keyId }])
  await until(async () => (await rolledUpSums(pool)).daily === 3, 'it goes on by itself')
  t.equal(warnings(lines).length, 1)
})

t.test('a role without the rights is told what to grant, once, and goes on when it has them', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId }])
  const role = await createRole(t, { url, pool })
  await pool.query(`
    grant usage on schema latchkey to ${role.name};
    alter role ${role.name} bypassrls`)
  const { lines } = maintain(t, role.url)
  await until(() => warnings(lines).some(({ msg }) => /rolled up/.test(msg)), 'it is said')
  await delay(300)
  t.equal(warnings(lines).filter(({ msg }) => /^Usage could not be rolled up\. .*SELECT, INSERT, UPDATE ON latchkey\.usage_hourly/.test(msg)).length, 1)
  t.equal(warnings(lines).length, 1)
  await pool.query(gatewayGrants(role.name))
  await until(async () => (await rolledUpSums(pool)).daily === 1, 'it is counted')
})

t.test('an end in the middle of it is bounded', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId }])
  await openTransaction(t, url, 'lock table latchkey.usage_daily in share mode', [])
  const { maintenance } = maintain(t, url)
  await until(async () => (await pool.query("select from pg_locks where relation = 'latchkey.usage_daily'::regclass and not granted")).rowCount === 1, 'it waits')
  await maintenance.close({ timeoutMs: 20 })
  t.strictSame(await rolledUpSums(pool), { hourly: 0, daily: 0 })
})

t.test('retention drops no month of which rows are not counted', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const old = Date.now() - 400 * dayMs
  await pool.query("select latchkey.add_usage_partition('public.api_key_usage', date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC'))", [old])
  await insertRows(pool, [{ keyId, createdAtMs: old }, { keyId }])
  const forgotten = await openTransaction(t, url, "insert into api_key_usage (api_key_id, endpoint, method) values ($1, '/', 'GET')", [keyId])
  const { lines } = maintain(t, url, { retentionMs: 90 * dayMs, partitionsEveryMs: 30 })
  await delay(400)
  t.equal(await countOld(pool), 1, 'nobody could count it yet')
  await forgotten.query('commit')
  await until(async () => await countOld(pool) === 0, 'it is dropped')
  await until(async () => (await rolledUpSums(pool)).daily === 3, 'all is counted')
  await insertRows(pool, Array.from({ length: 50 }, () => ({ keyId, createdAtMs: old })))
  await until(async () => await countOld(pool) === 0, 'so is what comes late')
  t.strictSame(await rolledUpSums(pool), { hourly: 53, daily: 53 })
  t.strictSame(warnings(lines), [])

  async function countOld (pool: pg.Pool): Promise<number> {
    return (await pool.query("select from api_key_usage where created_at < now() - interval '1 year'")).rowCount!
  }
})

t.test('retention of a table that cannot be dropped by months says so', async (t) => {
  const { url, pool } = await createDatabase(t)
  await makePlain(pool)
  const { lines } = maintain(t, url, { retentionMs: 90 * dayMs })
  await until(() => warnings(lines).some(({ msg }) => /retention has no effect/.test(msg)), 'it is said')
})

t.test('a clock that is ahead drops nothing, and what keeps its month is not locked for', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await insertRows(pool, [{ keyId, createdAtMs: Date.now() - 3 * dayMs }])
  const logger = captureLog().logger
  const own = createPool({ connectionString: url, applicationName: 'test', connectionsMax: 1, queryTimeoutMs: 30_000, logger })
  t.teardown(() => own.end())
  await rollUp(own, { settleTimeoutMs: 5_000 })
  const yearAhead = Date.now() + 365 * dayMs
  t.strictSame(await dropOldPartitions(own, 90 * dayMs, yearAhead), { partitions: [], leavesUncounted: false })
  t.equal((await pool.query('select from api_key_usage')).rowCount, 1)
  const reader = await openTransaction(t, url, 'select from api_key_usage', [])
  t.strictSame(await dropOldPartitions(own, 60_000), { partitions: [], leavesUncounted: false }, 'there are older rows, but none of an older month that a reader could be in the way of')
  await reader.query('rollback')
})
