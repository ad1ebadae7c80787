import { readFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { csvRows } from '../../../src/keys/import/csv-rows.ts'
import { ndjsonRows } from '../../../src/keys/import/ndjson-rows.ts'
import { createDatabase, type TestDatabase } from '../../support/postgres.ts'
import { importRows, madeUpHash } from './support.ts'

const migrations = path.join(import.meta.dirname, '../../../migrations')
const compared = 'user_id, key_hash, key_prefix, name, description, scopes, is_active, expires_at, last_used_at, created_at, revoked_at'

const fill = async ({ pool }: TestDatabase): Promise<void> => {
  await pool.query("insert into auth.users (id, email) select ('00000000-0000-4000-8000-00000000000' || n)::uuid, n || '@example.com' from generate_series(1, 3) as n")
  await pool.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name, description, scopes, is_active, expires_at, last_used_at, created_at, revoked_at) values
      ('00000000-0000-4000-8000-000000000001', $1, 'sk_live_a1B2', 'plain', null, '{inventory:read,tickets:*}', true, null, null, now() - interval '3 years', null),
      ('00000000-0000-4000-8000-000000000002', $2, 'sk_live_abc...', 'with "quotes", commas', E'and\\nlines', '{}', false, now() + interval '1 year', now(), now(), null),
      ('00000000-0000-4000-8000-000000000003', $3, 'old_', 'revoked', '', '{*}', false, '2001-01-01', null, '2000-01-01 00:00:00.25+05:30', now() - interval '1 day')`,
  [madeUpHash('2a'), madeUpHash('2b', '12'), madeUpHash('2y', '04')])
}

/** What psql's \copy writes is what the server's COPY sends. */
const copyOut = async ({ pool }: TestDatabase, what: string, options: string): Promise<string> => {
  const { rows: [{ file }] } = await pool.query("select current_setting('data_directory') || '/' || current_database() || '.copy' as file")
  await pool.query(`copy ${what} to '${file}' ${options}`)
  return (await pool.query('select pg_read_file($1) as text', [file])).rows[0].text
}

for (const origin of ['a database that has run 011 alone', 'a database of our own']) {
  t.test(origin, async (t) => {
    const isSeed = origin.includes('011')
    const source = await createDatabase(t, { migrated: !isSeed })
    if (isSeed) for (const file of ['010.do.auth-users.sql', '011.do.api-key-management.sql']) await source.pool.query(await readFile(path.join(migrations, file), 'utf8'))
    await fill(source)
    const { rows: expected } = await source.pool.query(`select ${compared} from api_keys order by id`)
    const json = await copyOut(source, '(select row_to_json(api_keys) from api_keys order by id)', "csv quote E'\\x01' delimiter E'\\x02'")

    for (const [form, rows] of [['csv', csvRows([await copyOut(source, 'api_keys', 'csv header')])], ['ndjson', ndjsonRows([json])]] as const) {
      const target = await createDatabase(t)
      t.match(await importRows(target, rows, { config: { checksum: 'optional' } }), { imported: 3, faults: [] }, form)
      const { rows: found } = await target.pool.query(`select ${compared} from api_keys order by id`)
      t.strictSame(found, expected.map((row) => ({ ...row, description: row.description || null })), form)
    }
  })
}
