import t from 'tap'
import { migrateDown } from '../../src/database/migrate.ts'
import { createDatabase } from '../support/postgres.ts'
import { catalogOf } from './catalog.ts'
import { addKeys, addUser } from './rows.ts'

t.test('tables that hold keys are dropped only by who says so', async (t) => {
  const { url, pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool))
  const before = await catalogOf(pool)

  for (const to of [10, 0]) {
    await t.rejects(migrateDown({ connectionString: url, to }), { name: 'UsageError', message: /api_keys holds rows.*--drop-keys-and-usage/ })
    t.strictSame(await catalogOf(pool), before, 'nothing was undone')
  }

  await migrateDown({ connectionString: url, to: 11 })
  t.equal((await pool.query('select from api_keys')).rowCount, 1)
  await migrateDown({ connectionString: url, to: 0, dropKeysAndUsage: true })
  t.equal((await pool.query("select from pg_tables where tablename = 'api_keys'")).rowCount, 0)
})
