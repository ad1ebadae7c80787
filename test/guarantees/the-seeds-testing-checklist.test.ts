import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../src/database/migrate.ts'
import { verifySchema } from '../../src/database/verify.ts'
import { createDatabase } from '../support/postgres.ts'

// The checklist of migration 011, item by item: first on 011 alone, pasted as it stands into a database that has
// auth.users; then on everything.

const user = '00000000-0000-4000-8000-000000000001'
const migration011 = await readFile(path.join(import.meta.dirname, '../../migrations/011.do.api-key-management.sql'), 'utf8')

/** A plan names the index of each partition. */
const partitionIndexes: Readonly<Record<string, RegExp>> = {
  idx_api_key_usage_key_id: /api_key_usage_\d{4}_\d\d_api_key_id_idx/,
  idx_api_key_usage_created_at: /api_key_usage_\d{4}_\d\d_created_at_idx/,
}

for (const isWhole of [false, true]) {
  t.test(isWhole ? 'all migrations' : 'migration 011 alone', async (t) => {
    const { url, pool } = await createDatabase(t, { migrated: false })
    await pool.query('create schema auth; create table auth.users (id uuid primary key, email text)')
    await pool.query(migration011)
    if (isWhole) await migrateUp({ connectionString: url, logger: pino({ level: 'silent' }) })
    await pool.query('insert into auth.users (id) values ($1)', [user])

    t.test('tables created successfully', async (t) => {
      const { rows } = await pool.query(`
        select table_name, column_name, data_type, character_maximum_length as length from information_schema.columns
        where table_schema = 'public' order by table_name desc, ordinal_position`)
      const columns = rows.map((row) => `${row.table_name}.${row.column_name} ${row.data_type}${row.length === null ? '' : `(${row.length})`}`)
      const added = isWhole ? ['api_keys.environment text', 'api_keys.key_lookup bytea', 'api_keys.pepper_id text', 'api_keys.latchkey_metadata jsonb'] : []
      const addedToUsage = isWhole ? ['api_key_usage.route text', 'api_key_usage.request_id text', 'api_key_usage.request_bytes bigint', 'api_key_usage.response_bytes bigint'] : []
      t.strictSame(columns, [
        'api_keys.id integer',
        'api_keys.user_id uuid',
        'api_keys.key_hash character varying(255)',
        'api_keys.key_prefix character varying(20)',
        'api_keys.name character varying(255)',
        'api_keys.description text',
        'api_keys.scopes ARRAY',
        'api_keys.is_active boolean',
        'api_keys.expires_at timestamp with time zone',
        'api_keys.last_used_at timestamp with time zone',
        'api_keys.created_at timestamp with time zone',
        'api_keys.revoked_at timestamp with time zone',
        ...added,
        `api_key_usage.id ${isWhole ? 'bigint' : 'integer'}`,
        'api_key_usage.api_key_id integer',
        'api_key_usage.endpoint character varying(255)',
        'api_key_usage.method character varying(10)',
        'api_key_usage.status_code integer',
        'api_key_usage.ip_address inet',
        'api_key_usage.user_agent text',
        'api_key_usage.response_time_ms integer',
        'api_key_usage.created_at timestamp with time zone',
        ...addedToUsage,
      ])
    })

    t.test('indexes exist and are functional', async (t) => {
      const { rows } = await pool.query<{ indexname: string }>("select indexname from pg_indexes where schemaname = 'public' order by indexname")
      t.strictSame(rows.map(({ indexname }) => indexname), [
        'api_key_usage_pkey',
        'api_keys_pkey',
        'idx_api_key_usage_created_at',
        'idx_api_key_usage_key_id',
        'idx_api_keys_is_active',
        'idx_api_keys_key_hash',
        'idx_api_keys_user_id',
        ...isWhole ? ['latchkey_api_keys_key_lookup', 'latchkey_api_keys_prefix'] : [],
      ])
      const queries = {
        idx_api_keys_user_id: `select * from api_keys where user_id = '${user}'`,
        idx_api_keys_key_hash: "select * from api_keys where key_hash = 'x'",
        idx_api_keys_is_active: 'select * from api_keys where is_active',
        idx_api_key_usage_key_id: 'select * from api_key_usage where api_key_id = 1',
        idx_api_key_usage_created_at: "select * from api_key_usage where created_at > '2025-01-01'",
        ...isWhole
          ? {
              latchkey_api_keys_key_lookup: "select * from api_keys where key_lookup = any('{x,y}'::bytea[])",
              latchkey_api_keys_prefix: "select * from api_keys where rtrim(key_prefix, '.') = 'sk_live_abcd'",
            }
          : {},
      }
      const client = await pool.connect()
      try {
        // Tables this small are read faster whole; that the index could be used is what counts.
        await client.query('begin; set local enable_seqscan = off')
        for (const [index, query] of Object.entries(queries)) {
          const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${query}`)
          t.match(rows.map((row) => row['QUERY PLAN']).join('\n'), isWhole ? partitionIndexes[index] ?? index : index, `${index} serves: ${query}`)
        }
        await client.query('rollback')
      } finally {
        client.release()
      }
    })

    t.test('can insert test API key record, and usage log record', async (t) => {
      const { rows: [key] } = await pool.query(
        "insert into api_keys (user_id, key_hash, key_prefix, name) values ($1, '$2b$10$hash', 'sk_live_abcd', 'test') returning *", [user]
      )
      t.match(key, { id: Number, scopes: [], is_active: true, description: null, expires_at: null, last_used_at: null, revoked_at: null, created_at: Date })
      const { rows: [usage] } = await pool.query(`
        insert into api_key_usage (api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms)
        values ($1, '/inventory', 'GET', 200, '2001:db8::1', 'curl', 12) returning *`, [key.id])
      // As pg gives a bigint.
      t.match(usage, { id: isWhole ? String : Number, api_key_id: key.id, endpoint: '/inventory', ip_address: '2001:db8::1', created_at: Date })
    })

    t.test('foreign key constraints work (cascade delete)', async (t) => {
      await t.rejects(pool.query("insert into api_key_usage (api_key_id, endpoint, method) values (-1, '/', 'GET')"), { code: '23503' })
      await t.rejects(pool.query("insert into api_keys (user_id, key_hash, key_prefix, name) values (gen_random_uuid(), 'h', 'p', 'n')"), { code: '23503' })

      await pool.query('delete from auth.users where id = $1', [user])
      t.strictSame((await pool.query('select from api_keys')).rowCount, 0, 'the keys go with their user')
      t.strictSame((await pool.query('select from api_key_usage')).rowCount, 0, 'the usage goes with its key')
    })

    t.test('verification queries return expected results', async (t) => {
      const queries = verificationQueries(migration011)
      t.equal(queries.length, 4)
      const [tables, columns, indexes, foreignKeys] = await Promise.all(queries.map(async (query) => (await pool.query(query)).rows))
      t.strictSame(tables, [{ table_name: 'api_key_usage' }, { table_name: 'api_keys' }])
      t.equal(columns?.length, isWhole ? 29 : 21)
      t.equal(indexes?.length, isWhole ? 9 : 7)
      t.equal(foreignKeys?.length, 2)
      for (const foreignKey of foreignKeys ?? []) t.match(foreignKey.pg_get_constraintdef, /ON DELETE CASCADE$/)

      if (!isWhole) return
      const verdicts = await verifySchema(url)
      t.strictSame(verdicts.filter(({ ok }) => !ok), [])
      t.ok(verdicts.length > 40)
    })
  })
}

/** The commented-out statements at the end of the file. */
function verificationQueries (sql: string): string[] {
  const comments = sql.slice(sql.indexOf('-- Verification queries')).split('\n').filter((line) => line.startsWith('--   '))
  return comments.map((line) => line.slice(2)).join('\n').split(';').filter((query) => query.trim() !== '')
}
