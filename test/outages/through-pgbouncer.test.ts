import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { createDatabase } from '../support/postgres.ts'
import { runCli } from '../support/cli.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { startLoad } from './load.ts'

t.test('with DATABASE_DIRECT_URL all works through PgBouncer, also over a restart of Postgres', async t => {
  const postgres = await startOwnPostgres(t)
  const pooled = await startPgbouncer(t, postgres.url)
  const load = await startLoad(t, { database: postgres, databaseUrl: pooled, environment: { databaseDirectUrl: postgres.url } })
  t.notOk(load.gateway.logs.some(line => line.includes('transaction pooler')))
  const { key, apiKey } = await load.gateway.createKey()
  t.equal((await load.use(key)).status, 200)
  await postgres.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
  await until(async () => (await load.use(key)).code === 'key_revoked', 'a revocation arrives')
  await postgres.stop()
  await load.throughOutage()
  await postgres.start()
  await load.recovers()
  await load.ends()
})

t.test('without it, the gateway says so and checks keys again after a second', async t => {
  const database = await createDatabase(t)
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: /*, upstream: u }]
`,
    database,
    databaseUrl: await startPgbouncer(t, database.url),
  })
  await until(() => gateway.logs.some(line => /"level":50.*transaction pooler.*DATABASE_DIRECT_URL/.test(line)), 'the log names DATABASE_DIRECT_URL')
  const { key, apiKey } = await gateway.createKey()
  const use = async () => await send(`${gateway.url}/x`, { headers: { 'x-api-key': key } })
  t.equal((await use()).status, 200)
  await database.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
  const revokedAtMs = performance.now()
  await until(async () => (await use()).code === 'key_revoked', 'refused, long before the TTL of a minute', { timeoutMs: 20_000 })
  t.comment(`refused ${Math.round(performance.now() - revokedAtMs)} ms after its revocation`)
  await until(async () => (await database.pool.query('select from api_key_usage where status_code = 401')).rowCount !== 0, 'usage is written')
})

t.test('commands say what is wrong without it, and migrate with it', async t => {
  const database = await createDatabase(t, { migrated: false })
  const pooled = await startPgbouncer(t, database.url)
  const cwd = t.testdir()
  const refused = await runCli(['migrate', 'up'], { cwd, env: { DATABASE_URL: pooled } })
  t.equal(refused.code, 2)
  t.match(refused.stderr, /transaction pooler.*DATABASE_DIRECT_URL/)
  const migrated = await runCli(['migrate', 'up'], { cwd, env: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: database.url } })
  t.equal(migrated.code, 0, migrated.stderr)
  t.match((await runCli(['doctor'], { cwd, env: { DATABASE_URL: pooled } })).stdout, /transaction pooler[^]*DATABASE_DIRECT_URL/)
  const examined = await runCli(['doctor'], { cwd, env: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: database.url } })
  t.notMatch(examined.stdout, /transaction pooler/)
  t.match(examined.stdout, /NOTIFY.*round trip/)
  const created = await runCli(['keys', 'create', '--user', 'ada@example.com', '--name', 'n', '--scope', 'a:b', '--json'], { cwd, env: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: database.url } })
  t.equal(created.code, 0, created.stderr)
})
