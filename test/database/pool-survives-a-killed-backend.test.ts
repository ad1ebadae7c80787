import { pino } from 'pino'
import t from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { isStoreUnavailable } from '../../src/database/sqlstate.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const logger = pino({ level: 'silent' })

t.test('killed backends, idle, busy and checked out, fail their queries and nothing else', async (t) => {
  const { url, pool: other } = await createDatabase(t)
  const pool = createPool({ connectionString: url, applicationName: 'victim', connectionsMax: 3, queryTimeoutMs: 10_000, logger })
  t.teardown(async () => await pool.end())
  const killAll = async () => await other.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and datname = current_database()")

  await pool.query('select 1')
  await killAll()
  await until(() => pool.totalCount === 0, 'the idle connection is dropped')
  t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }])

  const busy = pool.query('select pg_sleep(60)').then(() => null, (err: unknown) => err)
  await until(async () => (await other.query("select from pg_stat_activity where application_name = 'victim' and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()")).rowCount === 1, 'the query runs')
  await killAll()
  t.equal(isStoreUnavailable(await busy), true)

  const client = await pool.connect()
  const ended = new Promise((resolve) => client.once('end', resolve))
  await killAll()
  await ended
  t.equal(isStoreUnavailable(await client.query('select 1').then(() => null, (err: unknown) => err)), true)
  client.release(true)
  t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }])
})

t.test('a query that takes too long fails, and its connection is not used again', async (t) => {
  const { url } = await createDatabase(t)
  const pool = createPool({ connectionString: url, applicationName: 'slow', connectionsMax: 1, queryTimeoutMs: 50, logger })
  t.teardown(async () => await pool.end())
  const err = await pool.query('select pg_sleep(60)').then(() => null, (reason: unknown) => reason)
  t.equal(isStoreUnavailable(err), true)
  await until(() => pool.totalCount === 0, 'the connection is dropped')
})

t.test('a server that stops just after the pool was ended is nothing to warn of', async (t) => {
  const { url, pool: other } = await createDatabase(t)
  const proxy = await proxyTo(url)
  t.teardown(async () => await proxy.close())
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => { lines.push(line) } })
  const pool = createPool({ connectionString: proxy.through(url), applicationName: 'ended', connectionsMax: 1, queryTimeoutMs: 10_000, logger })
  await pool.query('select 1')

  // The farewell doesn't reach the server: it would be answered by a reset, which may overtake what the server says.
  proxy.holdClients()
  await pool.end()
  await other.query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'ended' and datname = current_database()")
  await until(() => lines.some((line) => line.includes('A connection to the database broke')), 'the server has said so')
  t.strictSame(lines.filter((line) => JSON.parse(line).level >= 40), [])
})
