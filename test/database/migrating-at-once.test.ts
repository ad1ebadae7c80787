import { pino } from 'pino'
import t from 'tap'
import { UsageError } from '../../src/errors.ts'
import { migrateDown, migrateUp, pendingMigrations } from '../../src/database/migrate.ts'
import { withMigrationSession } from '../../src/database/migration-session.ts'
import { isStoreUnavailable } from '../../src/database/sqlstate.ts'
import { createDatabase } from '../support/postgres.ts'

const logger = pino({ level: 'silent' })

t.test('several that start at once all succeed, and each migration runs once', async (t) => {
  const { url } = await createDatabase(t, { migrated: false })
  const pending = await pendingMigrations(url)
  const results = await Promise.all(Array.from({ length: 8 }, async () => await migrateUp({ connectionString: url, logger })))
  t.equal(results.flat().length, pending)
  t.equal(await pendingMigrations(url), 0)
})

t.test('a lock that stays held is reported, with its holder', async (t) => {
  const { url } = await createDatabase(t, { migrated: false })
  await withMigrationSession({ connectionString: url, lockTimeoutMs: 10_000 }, async () => {
    await t.rejects(migrateUp({ connectionString: url, logger, lockTimeoutMs: 50 }), new UsageError(), 'as a UsageError')
    await t.rejects(migrateDown({ connectionString: url, to: 0, lockTimeoutMs: 50 }), {
      message: /^Another process has been migrating this database for more than 0.05 s \(server process \d+, latchkey migrate\)/,
    })
  })
  t.not((await migrateUp({ connectionString: url, logger })).length, 0, 'and free again afterwards')
})

t.test('the lock goes with a process that dies', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const death = withMigrationSession({ connectionString: url, lockTimeoutMs: 10_000 }, async (client) => {
    const { rows: [session] } = await client.query('select pg_backend_pid() as pid')
    await pool.query('select pg_terminate_backend($1)', [session.pid])
    await client.query('select pg_sleep(60)')
  })
  t.ok(isStoreUnavailable(await death.then(() => null, (err: unknown) => err)))
  t.not((await migrateUp({ connectionString: url, logger })).length, 0)
})

t.test('the migrations of a newer release are left alone, and not undone by this one', async (t) => {
  const { url, pool } = await createDatabase(t)
  await pool.query("insert into latchkey.migrations (version, name, run_at) values (9999, 'from-the-future', now())")
  t.strictSame(await migrateUp({ connectionString: url, logger }), [])
  t.equal(await pendingMigrations(url), 0)
  await t.rejects(migrateDown({ connectionString: url }), { name: 'UsageError', message: /no undo for 9999 \(from-the-future\)/ })
})
