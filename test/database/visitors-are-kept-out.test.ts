import type pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../src/database/migrate.ts'
import { verifySchema } from '../../src/database/verify.ts'
import { createDatabase } from '../support/postgres.ts'
import { addKeys, addUser } from './rows.ts'

const tables = ['api_keys', 'api_key_usage', 'latchkey.migrations', 'latchkey.earlier_secrets', 'latchkey.usage_batches', 'latchkey.usage_hourly', 'latchkey.usage_daily', 'latchkey.usage_rollup']

t.test('anon and authenticated, whom Supabase grants everything in public, read and write nothing', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  for (const role of ['anon', 'authenticated']) await ensureRole(pool, role)
  await pool.query(`
    grant usage on schema public to anon, authenticated;
    alter default privileges in schema public grant all on tables to anon, authenticated;
    alter default privileges in schema public grant all on sequences to anon, authenticated`)
  await migrateUp({ connectionString: url, logger: pino({ level: 'silent' }) })
  await addKeys(pool, await addUser(pool))

  t.match((await verifySchema(url)).find(({ name }) => name.startsWith('privileges')), { ok: true })
  for (const role of ['anon', 'authenticated']) {
    const client = await pool.connect()
    try {
      await client.query(`set role ${role}`)
      for (const table of tables) {
        for (const statement of [`select from ${table}`, `insert into ${table} default values`, `delete from ${table}`, `truncate ${table} cascade`]) {
          await t.rejects(client.query(statement), { code: '42501' }, `${role}: ${statement}`)
        }
      }
      for (const sequence of ['api_keys_id_seq', 'api_key_usage_id_seq']) {
        await t.rejects(client.query(`select nextval('${sequence}')`), { code: '42501' }, `${role}: ${sequence}`)
        await t.rejects(client.query(`select last_value from ${sequence}`), { code: '42501' }, `${role}: ${sequence}`)
      }
      await client.query('reset role')
      // Should somebody grant it again, row-level security still shows nothing.
      await client.query(`grant select on api_keys to ${role}; set role ${role}`)
      t.equal((await client.query('select from api_keys')).rowCount, 0)
      await client.query('reset role')
    } finally {
      client.release(true)
    }
  }
  t.match((await verifySchema(url)).find(({ name }) => name.startsWith('privileges')), {
    ok: false, detail: 'anon has privileges on api_keys, authenticated has privileges on api_keys',
  })
})

/** Roles belong to the whole server, where another test may be making the same ones. */
async function ensureRole (pool: pg.Pool, name: string): Promise<void> {
  await pool.query(`do $$ begin create role ${name}; exception when duplicate_object or unique_violation then null; end $$`)
}
