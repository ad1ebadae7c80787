import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createPool, type DatabasePool, type PreparedQuery } from '../../src/database/pool.ts'
import { prepared } from '../../src/database/prepared-statement.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const doubled = prepared('select $1::int * 2 as doubled')
const prepares: readonly PreparedQuery[] = [{ statement: doubled, values: [0] }]

function openPool (t: Test, connectionString: string, { connectionsMax = 1, connectionsMin = 1, queries = prepares } = {}) {
  const logs: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => { logs.push(line) } })
  const pool = createPool({ connectionString, applicationName: 'latchkey-test', connectionsMax, connectionsMin, prepares: queries, queryTimeoutMs: 10_000, logger })
  t.teardown(async () => await pool.end())
  return { pool, logs }
}

/** Of the pool's only connection. */
async function keptStatements (pool: DatabasePool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from pg_prepared_statements')
  return rows.map(({ name }) => name)
}

const database = await createDatabase(t)

t.test('a connection of its own keeps a statement from the start', async t => {
  const { pool } = openPool(t, database.url)
  t.same(await keptStatements(pool), [doubled.name])
  t.same(await pool.read(doubled, [21]), [{ doubled: 42 }])
  t.same(await keptStatements(pool), [doubled.name])
})

t.test('through a transaction pooler nothing is kept, and statements work all the same', async t => {
  const { pool, logs } = openPool(t, await startPgbouncer(t, database.url), { connectionsMax: 3 })
  const answers = await Promise.all(Array.from({ length: 30 }, async (_, i) => await pool.read<{ doubled: number }>(doubled, [i])))
  t.same(answers.map(([row]) => row?.doubled), answers.map((_, i) => i * 2))
  t.same(await keptStatements(pool), [])
  t.same(logs, [])
})

t.test('what a connection has forgotten is asked without a name from then on', async t => {
  const { pool, logs } = openPool(t, database.url)
  await pool.read(doubled, [1])
  await pool.query('deallocate all')
  t.same(await pool.read(doubled, [21]), [{ doubled: 42 }])
  t.same(await pool.read(doubled, [4]), [{ doubled: 8 }])
  t.equal(logs.filter(line => line.includes('prepared statements')).length, 1)
})

t.test('a table may come later, and change its columns', async t => {
  const statement = prepared('select word::text from words where id = $1')
  const { pool, logs } = openPool(t, database.url, { queries: [{ statement, values: [0] }] })
  await t.rejects(pool.read(statement, [1]), { code: '42P01' })
  await database.pool.query("create table words (id int, word varchar(9)); insert into words values (1, 'one')")
  t.same(await pool.read(statement, [1]), [{ word: 'one' }])
  await database.pool.query('alter table words alter column word type text, add column other int')
  t.same(await pool.read(statement, [1]), [{ word: 'one' }])
  t.same(logs, [])
})

t.test('connections are made ahead of use, and again when they end', async t => {
  const { pool } = openPool(t, database.url, { connectionsMax: 3, connectionsMin: 3 })
  await pool.fill()
  t.equal(pool.totalCount, 3)
  t.equal(pool.idleCount, 3)
  pool.renew({ busyForMs: 0 })
  await until(() => pool.totalCount === 0, 'all are given up')
  await until(async () => {
    await pool.read(doubled, [1])
    return pool.idleCount === 3
  }, 'they are there again')
})
