import { pino } from 'pino'
import t from 'tap'
import { migrateDown, migrateUp } from '../../../src/database/migrate.ts'
import { partitionUsage, type PartitioningProgress } from '../../../src/database/partitioning/index.ts'
import { verifySchema } from '../../../src/database/verify.ts'
import { createPlainUsage, usageOf } from './plain-usage.ts'

const rows = 6_500
const rowsPerBatch = 2_000
const interruptions: [name: string, at: (progress: PartitioningProgress) => boolean][] = [
  ['between two batches', ({ phase, rowsCopied }) => phase === 'copying' && rowsCopied > 2_000],
  ['when all is copied', ({ phase }) => phase === 'indexing'],
  ['when the indexes are built', ({ phase }) => phase === 'joining'],
  ['right after the swap', ({ phase }) => phase === 'dropping'],
]

class Interruption extends Error {}

t.test('at every point, once each, and then to its end', async (t) => {
  const { url, pool, keyIds } = await createPlainUsage(t, rows)
  let expected = await usageOf(pool)
  for (const [index, [name, at]] of interruptions.entries()) {
    await t.rejects(interrupted(url, at), new Interruption(), name)
    const { rows: [progress] } = await pool.query('select phase, rows_copied::int as copied from latchkey.usage_partitioning')
    t.comment(name, progress)
    t.match(verdict(await verifySchema(url)), { ok: false, detail: /[Rr]un: latchkey migrate up$/ })

    // Changes on either side of what is copied, and new rows.
    await pool.query(`
      update api_key_usage set endpoint = endpoint || '+' where id in (${index + 1}, ${rows - index});
      delete from api_key_usage where id in (${1000 + index}, ${rows - 1000 - index});
      update api_key_usage set created_at = created_at - interval '2 months' where id in (${2000 + index}, ${rows - 2000 - index});
      insert into api_key_usage (api_key_id, endpoint, method) values (${keyIds[0]}, '/during ${index}', 'GET')`)
    expected = await usageOf(pool)
  }
  await partitionUsage({ connectionString: url, rowsPerBatch })
  t.strictSame(await usageOf(pool), expected)
  t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
  t.equal((await pool.query('select from latchkey.usage_changes')).rowCount, 0)
})

t.test('when its connection is cut, again and again', async (t) => {
  const { url, pool } = await createPlainUsage(t, rows)
  const expected = await usageOf(pool)
  let cuts = 0
  const cutter = setInterval(() => {
    pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey migrate' and datname = current_database()")
      .then(({ rowCount }) => { cuts += rowCount ?? 0 }, () => {})
  }, 150)
  t.teardown(() => clearInterval(cutter))
  for (let tries = 0; ; tries++) {
    if (tries === 6) clearInterval(cutter)
    try {
      await partitionUsage({ connectionString: url, rowsPerBatch })
      break
    } catch (err) {
      t.match(String(err), /terminat|connection/i)
    }
  }
  clearInterval(cutter)
  t.ok(cuts > 0)
  t.strictSame(await usageOf(pool), expected)
  t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
})

t.test('begun anew where the table got a column, lost a check or was emptied meanwhile', async (t) => {
  const changes: [statement: string, at: typeof interruptions[number][1]][] = [
    ["alter table api_key_usage add column tenant text not null default 'acme'", ({ phase }) => phase === 'joining'],
    ['alter table api_key_usage alter column endpoint type text', ({ phase, rowsCopied }) => phase === 'copying' && rowsCopied > 2_000],
    ['truncate api_key_usage', ({ phase }) => phase === 'indexing'],
    ["begin; truncate api_keys cascade; insert into api_keys (id, user_id, key_hash, key_prefix, name) select 1, id, 'x', 'x', 'x' from auth.users; insert into api_key_usage (api_key_id, endpoint, method) values (1, '/', 'GET'); commit",
      ({ phase, rowsCopied }) => phase === 'copying' && rowsCopied > 2_000],
  ]
  for (const [statement, at] of changes) {
    const { url, pool } = await createPlainUsage(t, rows)
    await t.rejects(interrupted(url, at), new Interruption())
    await pool.query(statement)
    const expected = await usageOf(pool)
    t.match(await partitionUsage({ connectionString: url, rowsPerBatch }), { state: 'partitioned' })
    t.strictSame(await usageOf(pool), expected, statement)
    t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
  }
})

t.test('an index and a foreign key that come late are not forgotten', async (t) => {
  const { url, pool } = await createPlainUsage(t, 1_000)
  await t.rejects(interrupted(url, ({ phase }) => phase === 'joining'), new Interruption())
  await pool.query(`
    create index late on api_key_usage (status_code);
    create table public.routes (id text primary key); alter table api_key_usage add constraint late_too foreign key (route) references public.routes (id)`)
  await partitionUsage({ connectionString: url, rowsPerBatch })
  const { rowCount } = await pool.query("select from pg_indexes where indexname = 'late' and schemaname = 'public'")
  t.equal(rowCount, 1)
  t.equal((await pool.query("select from pg_constraint where conname = 'late_too' and conrelid = 'public.api_key_usage'::regclass")).rowCount, 1)
})

t.test('several at once wait for each other', async (t) => {
  const { url, pool } = await createPlainUsage(t, rows)
  const expected = await usageOf(pool)
  const outcomes = await Promise.all(Array.from({ length: 4 }, async () => await partitionUsage({ connectionString: url, rowsPerBatch })))
  t.match(outcomes, Array.from({ length: 4 }, () => ({ state: 'partitioned' })))
  t.strictSame(await usageOf(pool), expected)
})

t.test('abandoned by migrate down, at every point', async (t) => {
  for (const [name, at] of interruptions) {
    const { url, pool } = await createPlainUsage(t, rows)
    await t.rejects(interrupted(url, at), new Interruption())
    const expected = await usageOf(pool)
    await migrateDown({ connectionString: url, to: 17 })
    t.strictSame(await usageOf(pool), expected, name)
    t.strictSame((await pool.query("select tgname from pg_trigger where tgrelid = 'api_key_usage'::regclass and not tgisinternal")).rows, [])
    t.strictSame((await pool.query("select relname from pg_class as c join pg_namespace as n on n.oid = relnamespace where nspname = 'latchkey' and relname like 'api_key_usage%'")).rows, [])
    await migrateUp({ connectionString: url, logger: pino({ level: 'silent' }) })
    t.strictSame(await usageOf(pool), expected, 'and up again')
    t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
  }
})

async function interrupted (url: string, at: (progress: PartitioningProgress) => boolean): Promise<unknown> {
  return await partitionUsage({ connectionString: url, rowsPerBatch, onProgress: (progress) => { if (at(progress)) throw new Interruption() } })
}

function verdict (verdicts: Awaited<ReturnType<typeof verifySchema>>): unknown {
  return verdicts.find(({ name }) => name === 'api_key_usage partitioned by month')
}
