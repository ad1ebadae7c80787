import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../src/database/migrate.ts'
import { isTransactionPooled } from '../../src/database/pooler.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { createDatabase } from '../support/postgres.ts'
import { catalogOf } from './catalog.ts'

t.test('migrations refuse a connection through a transaction pooler, and leave the database alone', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const before = await catalogOf(pool)
  const pooledUrl = await startPgbouncer(t, url)

  t.equal(await isTransactionPooled(pooledUrl), true)
  t.equal(await isTransactionPooled(url), false)
  await t.rejects(migrateUp({ connectionString: pooledUrl, logger: pino({ level: 'silent' }) }), {
    name: 'UsageError', message: /transaction pooler.*DATABASE_DIRECT_URL/,
  })
  t.strictSame(await catalogOf(pool), before)
})
