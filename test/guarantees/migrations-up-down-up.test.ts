import { pino } from 'pino'
import t from 'tap'
import { migrateDown, migrateUp, migrationStatus } from '../../src/database/migrate.ts'
import { catalogOf } from '../database/catalog.ts'
import { createDatabase } from '../support/postgres.ts'

const logger = pino({ level: 'silent' })

t.test('down to 0 leaves the database as it was, and up again makes the same schema', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const empty = await catalogOf(pool)

  await migrateUp({ connectionString: url, logger })
  const migrated = await catalogOf(pool)
  t.not(migrated.length, empty.length)

  await migrateDown({ connectionString: url, to: 0 })
  t.strictSame(await catalogOf(pool), empty)

  await migrateUp({ connectionString: url, logger })
  t.strictSame(await catalogOf(pool), migrated)
})

t.test('every single migration can be undone and run again', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  await migrateUp({ connectionString: url, logger })
  const migrated = await catalogOf(pool)
  const versions = (await migrationStatus(url)).map(({ version }) => version)

  for (const [index, version] of versions.entries()) {
    const below = versions[index - 1] ?? 0
    const undone = await migrateDown({ connectionString: url, to: below })
    t.strictSame(undone.map((migration) => migration.version), versions.slice(index).reverse())
    t.strictSame((await migrationStatus(url)).filter(({ appliedAt }) => appliedAt !== null).map((migration) => migration.version), versions.slice(0, index))

    await migrateUp({ connectionString: url, logger })
    t.strictSame(await catalogOf(pool), migrated, `the same schema after ${version} down and up`)
  }
})

t.test('without a version, down undoes the latest one', async (t) => {
  const { url } = await createDatabase(t)
  const versions = (await migrationStatus(url)).map(({ version }) => version)
  const undone = await migrateDown({ connectionString: url })
  t.strictSame(undone.map(({ version }) => version), versions.slice(-1))
})

t.test('keys outlive down and up again, as long as 011 stays', async (t) => {
  const { url, pool } = await createDatabase(t)
  await pool.query("insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001')")
  await pool.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name, scopes)
    values ('00000000-0000-4000-8000-000000000001', '$2b$04$abc', 'sk_live_abcd', 'kept', '{inventory:read}')`)
  const { rows: before } = await pool.query('select * from api_keys')

  await migrateDown({ connectionString: url, to: 11 })
  await migrateUp({ connectionString: url, logger })
  const { rows: after } = await pool.query('select * from api_keys')
  t.strictSame(after, before)
})
