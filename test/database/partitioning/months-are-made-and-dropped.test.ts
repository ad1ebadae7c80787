import pg from 'pg'
import t from 'tap'
import { createDatabase } from '../../support/postgres.ts'
import { createRole, gatewayGrants } from '../../support/role.ts'
import { until } from '../../support/until.ts'
import { openTransaction } from '../../usage/support.ts'
import { addKeys, addUser } from '../rows.ts'
import { createPlainUsage, partitionCounts, usageOf } from './plain-usage.ts'

t.test('on a plain table nothing is made or dropped', async (t) => {
  const { pool } = await createPlainUsage(t, 10)
  t.equal(await make(pool, 3), 0)
  t.strictSame(await drop(pool, 'infinity'), [])
  t.equal((await usageOf(pool)).length, 10)
})

t.test('months ahead are made once, with all that their parent has, and take what lies in the default partition', async (t) => {
  const { pool } = await createDatabase(t)
  const [keyId] = await addKeys(pool, await addUser(pool))
  await pool.query(`
    set search_path = public; create index extra on api_key_usage (status_code); reset search_path;
    insert into api_key_usage (api_key_id, endpoint, method, created_at)
    select ${keyId}, '/' || n, 'GET', date_trunc('month', now(), 'UTC') + n * interval '1 month' + offset_ from generate_series(4, 8) as n,
      unnest(array[interval '0', '14 days', '1 month - 1 microsecond']) as offset_`)
  const before = await usageOf(pool)
  t.equal(await make(pool, 3), 0, 'those of the conversion are there')
  t.strictSame(await partitionCounts(pool), { api_key_usage_default: 15 })
  t.equal(await make(pool, 6), 3)
  t.equal(await make(pool, 6), 0)
  t.strictSame(Object.values(await partitionCounts(pool)), [3, 3, 3, 6])
  t.strictSame(await usageOf(pool), before)

  const { rows } = await pool.query(`
    select count(*)::int as partitions, array_agg(distinct c.relrowsecurity) as secured, array_agg(distinct (select count(*)::int from pg_index where indrelid = c.oid)) as indexes,
      array_agg(distinct (select count(*)::int from pg_constraint where conrelid = c.oid and contype = 'f')) as keys, array_agg(distinct coalesce(c.relacl::text, '')) as acl
    from pg_inherits as i join pg_class as c on c.oid = inhrelid where inhparent = 'public.api_key_usage'::regclass`)
  t.strictSame(rows, [{ partitions: 8, secured: [true], indexes: [4], keys: [1], acl: [''] }])
  await pool.query('delete from api_keys where id = $1', [keyId])
  t.strictSame(await usageOf(pool), [], 'the usage goes with its key')
})

t.test('whole months that are too old are dropped, and never what may still be written to', async (t) => {
  const { pool } = await createDatabase(t)
  const [keyId] = await addKeys(pool, await addUser(pool))
  await pool.query(`
    create table latchkey.api_key_usage_2020_02 (like public.api_key_usage including all excluding defaults);
    alter table public.api_key_usage attach partition latchkey.api_key_usage_2020_02 for values from ('2020-02-01 00:00+00') to ('2020-03-01 00:00+00');
    create table latchkey.of_a_year (like public.api_key_usage including all excluding defaults);
    alter table public.api_key_usage attach partition latchkey.of_a_year for values from (minvalue) to ('2015-01-01 00:00+00');
    insert into api_key_usage (api_key_id, endpoint, method, created_at) select ${keyId}, '/', 'GET', at::timestamptz
    from unnest(array['2014-05-05', '2020-02-01 00:00+00', '2020-02-29 23:59:59.999999+00', '2020-03-01 00:00+00', '2019-12-31', 'now', 'infinity']) as at`)
  t.strictSame(await drop(pool, 'infinity'), [], 'nothing is rolled up')
  t.equal((await usageOf(pool)).length, 7)
  await countAll(pool)
  // Whatever the session takes for a day.
  await pool.query("set timezone = 'Pacific/Kiritimati'; set datestyle = 'German'")
  t.strictSame(await drop(pool, '2020-02-29 23:59:59+00'), ['latchkey.of_a_year'], 'the month is not over')
  t.strictSame(await drop(pool, '2020-03-01 00:00+00'), ['latchkey.api_key_usage_2020_02'])
  t.strictSame(await drop(pool, '2020-03-01 00:00+00'), [])
  t.strictSame(Object.values(await partitionCounts(pool)).reduce((a, b) => a + b, 0), 3, 'what was older in the default partition is gone, too')
  t.strictSame(await drop(pool, 'infinity'), [], 'not even when asked for')
  t.strictSame(await drop(pool, null), [])
  t.equal((await usageOf(pool)).length, 2)
})

t.test('of several who drop at once one does, and nobody waits for another', async (t) => {
  const { pool } = await createDatabase(t)
  for (let round = 1; round <= 5; round++) {
    for (let year = 2001; year <= 2006; year++) {
      await pool.query(`
        create table latchkey.round_${round}_${year} (like public.api_key_usage including all excluding defaults);
        alter table public.api_key_usage attach partition latchkey.round_${round}_${year} for values from ('${year}-01-01 00:00+00') to ('${year}-02-01 00:00+00')`)
    }
    const dropped = await Promise.all(Array.from({ length: 4 }, async () => await drop(pool, 'now')))
    t.strictSame(dropped.flat().sort(), Array.from({ length: 6 }, (_, year) => `latchkey.round_${round}_${2001 + year}`))
    t.equal(dropped.filter(({ length }) => length > 0).length, 1)
  }
})

t.test('what comes while a month is being dropped keeps it', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId] = await addKeys(pool, await addUser(pool))
  await pool.query(`
    create table latchkey.long_ago (like public.api_key_usage including all excluding defaults);
    alter table public.api_key_usage attach partition latchkey.long_ago for values from (minvalue) to ('2015-01-01 00:00+00')`)
  const insert = "insert into api_key_usage (api_key_id, endpoint, method, created_at) values ($1, '/', 'GET', '2014-05-05')"
  const late = await openTransaction(t, url, insert, [keyId])
  const dropped = drop(pool, 'now')
  await until(async () => (await pool.query("select from pg_locks where mode = 'AccessExclusiveLock' and not granted")).rowCount === 1, 'it waits for the writer')
  await late.query('commit')
  t.strictSame(await dropped, [])
  t.strictSame(await partitionCounts(pool), { long_ago: 1 })
  await countAll(pool)

  const snapshot = await openTransaction(t, url, 'set transaction isolation level repeatable read', [])
  await t.rejects(snapshot.query('select latchkey.drop_usage_partitions(now())'), { message: /must see what is committed/ })
  t.strictSame(await drop(pool, 'now'), ['latchkey.long_ago'])
})

t.test('a role with EXECUTE and nothing else keeps the months', async (t) => {
  const database = await createDatabase(t)
  const role = await createRole(t, database)
  await database.pool.query(gatewayGrants(role.name))
  const client = new pg.Client(role.url)
  await client.connect()
  t.teardown(async () => await client.end())
  t.strictSame((await client.query('select latchkey.make_usage_partitions(5) as made')).rows, [{ made: 2 }])
  t.strictSame((await client.query("select latchkey.drop_usage_partitions('2020-01-01')")).rows, [])
  for (const call of ["add_usage_partition('public.api_key_usage', now())", "usage_partitions('public.api_key_usage')", "close_usage_partition('public.api_keys', 'public.api_keys')"]) {
    await t.rejects(client.query(`select latchkey.${call}`), { code: '42501' }, call)
  }
  await t.rejects(client.query('select from latchkey.api_key_usage_default'), { code: '42501' })
})

t.test('a lock that somebody holds ends the attempt within a second, and nothing is done', async (t) => {
  const { url, pool } = await createDatabase(t)
  await pool.query(`
    create table latchkey.long_ago (like public.api_key_usage including all excluding defaults);
    alter table public.api_key_usage attach partition latchkey.long_ago for values from (minvalue) to ('2015-01-01 00:00+00')`)
  const holder = await openTransaction(t, url, 'select from public.api_key_usage', [])
  for (const statement of ['select latchkey.make_usage_partitions(9)', 'select latchkey.drop_usage_partitions(now())']) {
    const startedAtMs = performance.now()
    await t.rejects(pool.query(statement), { code: '55P03' })
    t.ok(performance.now() - startedAtMs < 5_000)
  }
  await holder.query('commit')
  t.equal(await make(pool, 9), 6)
  t.strictSame(await drop(pool, 'now'), ['latchkey.long_ago'])
})

async function make (pool: pg.Pool, ahead: number): Promise<number> {
  return (await pool.query<{ made: number }>('select latchkey.make_usage_partitions($1) as made', [ahead])).rows[0]?.made ?? NaN
}

async function drop (pool: pg.Pool, before: string | null): Promise<string[]> {
  return (await pool.query<{ name: string }>('select latchkey.drop_usage_partitions($1) as name', [before])).rows.map(({ name }) => name)
}

/** As the roll-up would say once it has caught up. */
async function countAll (pool: pg.Pool): Promise<void> {
  await pool.query('update latchkey.usage_rollup set rolled_up_to = (select max(id) from public.api_key_usage)')
}
