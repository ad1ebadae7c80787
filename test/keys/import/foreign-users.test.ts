import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { createDatabase } from '../../support/postgres.ts'
import { createRole } from '../../support/role.ts'
import { importRows, refusalOf, row } from './support.ts'

t.test('on an auth.users that isn’t ours no user is added, and unknown ones are faults', async (t) => {
  const database = await createDatabase(t)
  const { pool } = database
  await pool.query('comment on table auth.users is null')
  const { rows: [{ id }] } = await pool.query("insert into auth.users (email) values ('ada@example.com') returning id")
  await pool.query("insert into auth.users (email) values ('Two@example.com'), ('two@example.com')")
  const rows = ['ADA@example.com', 'nobody@example.com', randomUUID(), id, 'two@example.com'].map((userId) => row({ userId }))
  t.match(await refusalOf(importRows(database, rows)), [
    /^1 userId: no user has this email\. Users are managed by Supabase Auth/, /^2 userId: no user has this id\. Users/, /^4 userId: more than one user has this email/,
  ])
  t.match(await importRows(database, rows, { skipFaulty: true }), { imported: 2, skipped: 3 })
  t.equal((await pool.query('select from api_keys where user_id = $1', [id])).rowCount, 2)
  t.equal((await pool.query('select from auth.users')).rowCount, 3)
})

t.test('a role that may not look at users imports by UUID, and the foreign key finds the unknown ones', async (t) => {
  const database = await createDatabase(t)
  const { pool } = database
  const role = await createRole(t, database)
  await pool.query(`
    comment on table auth.users is null;
    grant usage on schema latchkey to ${role.name};
    grant select, insert on api_keys to ${role.name};
    grant usage on sequence api_keys_id_seq to ${role.name};
    grant select on latchkey.earlier_secrets to ${role.name};
    create policy importer on api_keys to ${role.name} using (true)`)
  const { rows: [{ id }] } = await pool.query("insert into auth.users (email) values ('ada@example.com') returning id")
  const own = new pg.Pool({ connectionString: role.url })
  own.on('error', () => {})
  t.teardown(async () => await own.end())
  const rows = [id, randomUUID(), id, 'ada@example.com', randomUUID(), id].map((userId) => row({ userId }))
  t.match(await importRows({ pool: own }, rows, { skipFaulty: true }), {
    imported: 3,
    skipped: 3,
    faults: [
      { line: 1, field: 'userId', detail: 'no user has this id' }, { line: 3, field: 'userId', detail: /may not look up emails: give the UUID/ },
      { line: 4, field: 'userId', detail: 'no user has this id' },
    ],
  })
  const { rows: entries } = await pool.query('select distinct database_role from latchkey.audit')
  t.strictSame(entries, [{ database_role: role.name }])
})
