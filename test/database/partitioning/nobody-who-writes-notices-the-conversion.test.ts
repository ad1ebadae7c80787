import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { partitionUsage } from '../../../src/database/partitioning/index.ts'
import { verifySchema } from '../../../src/database/verify.ts'
import { postgresStore, rowOf, startRecorder } from '../../usage/support.ts'
import { until } from '../../support/until.ts'
import { createPlainUsage, type PlainUsage, usageOf } from './plain-usage.ts'

// A second table, kept by a trigger within each change's own transaction, says what api_key_usage has to hold.
const shadow = `
  create table public.shadow (like public.api_key_usage);
  insert into public.shadow select * from public.api_key_usage;
  alter table public.shadow alter column id type bigint, add primary key (id);
  create function public.keep_shadow() returns trigger language plpgsql as $$
  begin
    if tg_op = 'TRUNCATE' then truncate public.shadow; end if;
    if tg_op in ('UPDATE', 'DELETE') then delete from public.shadow where id in (select id from o); end if;
    if tg_op in ('UPDATE', 'INSERT') then insert into public.shadow select * from n; end if;
    return null;
  end $$;
  create trigger s1 after insert on public.api_key_usage referencing new table as n for each statement execute function public.keep_shadow();
  create trigger s2 after update on public.api_key_usage referencing old table as o new table as n for each statement execute function public.keep_shadow();
  create trigger s3 after delete on public.api_key_usage referencing old table as o for each statement execute function public.keep_shadow();
  create trigger s4 after truncate on public.api_key_usage for each statement execute function public.keep_shadow();`

/** Others' statements may fail so, as they might at any time: they are tried again by whoever runs them. */
const passing = new Set(['40001', '40P01', '55P03'])

t.test('rows of gateways, deleted keys, updates in every isolation level, truncation', async (t) => {
  for (const truncates of [false, true]) {
    const database = await createPlainUsage(t, 20_000)
    const { url, pool, keyIds } = database
    await pool.query(shadow)
    const load = new Load(t, database, truncates)
    await until(() => load.done > 20, 'everybody is at work')
    t.match(await partitionUsage({ connectionString: url, rowsPerBatch: 1_000 }), { state: 'partitioned', refusals: [] })
    const doneDuring = load.done
    await until(() => load.done > doneDuring + 20, 'everybody goes on')
    await load.stop()

    t.strictSame(load.faults, [])
    t.strictSame(await usageOf(pool), await usageOf(pool, 'public.shadow'), 'row by row what was written')
    t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
    const stats = load.recorder.stats()
    t.equal(stats.written + stats.dropped, stats.recorded)
    if (!truncates) {
      const { rows: [{ count }] } = await pool.query("select count(*)::int as count from api_key_usage where user_agent = 'test' and api_key_id = $1", [keyIds[0]])
      t.equal(count, load.recordedOfFirst, 'each recorded row of the key that stays is there once')
    }
    t.comment(`${load.done} statements beside, ${stats.recorded} rows recorded`)
  }
})

t.test('a statement that waits for the swap, or was prepared before it, goes to the new table', async (t) => {
  const { url, pool, keyIds } = await createPlainUsage(t, 100)
  const insert = { name: 'insert', text: "insert into public.api_key_usage (api_key_id, endpoint, method) values ($1, $2, 'GET') returning id, endpoint, created_at", values: [keyIds[0], '/prepared'] }
  const select = { name: 'select', text: 'select count(*)::int as count from public.api_key_usage where api_key_id = $1', values: [keyIds[0]] }
  const kept = new pg.Client(url)
  await kept.connect()
  t.teardown(async () => await kept.end())
  for (let i = 0; i < 7; i++) await kept.query(select)
  // Of an id that is an integer still: what it returns changes its type.
  await kept.query(insert)
  const waiting: Promise<unknown>[] = []
  const holder = new pg.Client(url)
  await holder.connect()
  t.teardown(async () => await holder.end())
  await holder.query('begin; select from public.api_key_usage limit 1')
  const conversion = partitionUsage({
    connectionString: url,
    onProgress: ({ waitsFor }) => {
      if (waitsFor === null) return
      waiting.push(pool.query("insert into public.api_key_usage (api_key_id, endpoint, method) values ($1, '/waiting', 'GET')", [keyIds[0]]))
      if (waiting.length === 3) holder.query('commit').catch(() => {})
    },
  })
  t.match(await conversion, { state: 'partitioned' })
  t.ok(waiting.length >= 3)
  await Promise.all(waiting)
  t.match((await kept.query(select)).rows, [{ count: 10 + 1 + waiting.length }])
  // That is Postgres' rule for a prepared statement whose result changes; the store prepares none.
  await t.rejects(kept.query(insert), { code: '0A000' })
  await kept.query({ ...insert, name: '' })
})

t.test('a lock that is not to be had ends in who holds it, and hurts nobody', async (t) => {
  const { url, pool, keyIds } = await createPlainUsage(t, 100)
  const holder = new pg.Client({ connectionString: url, application_name: 'forgotten' })
  await holder.connect()
  t.teardown(async () => await holder.end())
  await holder.query('begin; select from public.api_key_usage limit 1; select pg_sleep(1.1)')
  const started = performance.now()
  const waited: number[] = []
  const writer = (async () => {
    while (performance.now() - started < 2_500) {
      const at = performance.now()
      await pool.query("insert into public.api_key_usage (api_key_id, endpoint, method) values ($1, '/', 'GET')", [keyIds[0]])
      waited.push(performance.now() - at)
      await delay(5)
    }
  })()
  await t.rejects(partitionUsage({ connectionString: url, lockPatienceMs: 2_000 }), { name: 'UsageError', message: /A lock on api_key_usage could not be had within 2 s, because of server process \d+ \(forgotten\)/ })
  await writer
  t.comment(`the longest insert took ${Math.round(Math.max(...waited))} ms`)
  await holder.query('commit')
  t.match(await partitionUsage({ connectionString: url }), { state: 'partitioned' })
})

class Load {
  done = 0
  recordedOfFirst = 0
  readonly faults: unknown[] = []
  readonly recorder
  readonly #stopping = new AbortController()
  readonly #work: Promise<unknown>

  constructor (t: Test, { url, pool, keyIds }: PlainUsage, truncates: boolean) {
    this.recorder = startRecorder(t, { store: postgresStore(t, url), flushEveryMs: 20, flushRows: 50 }).recorder
    let truncations = 0
    const some = () => 1 + Math.floor(Math.random() * 20_000)
    this.#work = Promise.all([
      this.#repeat(async () => {
        for (const keyId of keyIds) this.recorder.record(rowOf(keyId))
        this.recordedOfFirst++
        await delay(5)
      }),
      ...['read committed', 'repeatable read', 'serializable'].map(async (level) => await this.#repeat(async () => await transaction(pool, level, [
        `update api_key_usage set user_agent = '${level} ' || id, created_at = created_at - interval '1 month' * (id % 3) where id between ${some()} and ${some()} and id % 97 = 0`,
        `delete from api_key_usage where id in (${some()}, ${some()}, ${some()})`,
        `insert into api_key_usage (id, api_key_id, endpoint, method) values (-${some()}${Date.now() % 1000}, ${keyIds[1]}, '/low', 'GET') on conflict do nothing`,
      ]))),
      this.#repeat(async () => {
        const { rows: [key] } = await pool.query("insert into api_keys (user_id, key_hash, key_prefix, name) select id, 'x', 'x', 'x' from auth.users limit 1 returning id")
        await pool.query("insert into api_key_usage (api_key_id, endpoint, method) select $1, '/short-lived', 'GET' from generate_series(1, 40)", [key.id])
        await delay(20)
        await transaction(pool, Math.random() < 0.5 ? 'read committed' : 'repeatable read', [`select count(*) from api_keys where id = ${key.id}`, `delete from api_keys where id = ${key.id}`])
      }),
      truncates ? this.#repeat(async () => { await delay(truncations++ < 5 ? 700 : 60_000, undefined, { signal: this.#stopping.signal }).catch(() => {}); await transaction(pool, 'read committed', ['truncate api_key_usage']) }) : null,
    ])
  }

  async stop (): Promise<void> {
    this.#stopping.abort()
    await this.#work
    await this.recorder.close({ timeoutMs: 10_000 })
  }

  async #repeat (work: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await work()
        this.done++
        await delay(5)
      } catch (err) {
        if (!(err instanceof pg.DatabaseError) || !passing.has(err.code ?? '')) this.faults.push(err)
      }
    }
  }
}

async function transaction (pool: pg.Pool, level: string, statements: readonly string[]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`begin isolation level ${level}`)
    for (const statement of statements) await client.query(statement)
    await client.query(Math.random() < 0.1 ? 'rollback' : 'commit')
    client.release()
  } catch (err) {
    await client.query('rollback').catch(() => {})
    client.release()
    throw err
  }
}
