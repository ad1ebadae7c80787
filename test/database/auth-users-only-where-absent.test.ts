import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { migrateDown, migrateUp } from '../../src/database/migrate.ts'
import { createDatabase } from '../support/postgres.ts'
import { catalogOf } from './catalog.ts'

const logger = pino({ level: 'silent' })

t.test('made where absent, marked as ours, and gone with the last migration', async (t) => {
  const { url, pool } = await createDatabase(t)
  t.match(await usersComment(pool), /^Made by Latchkey:/)
  const { rows: [user] } = await pool.query("insert into auth.users (email) values ('a@example.com') returning *")
  t.match(user, { id: /^[0-9a-f-]{36}$/, email: 'a@example.com' })
  await t.rejects(pool.query("insert into auth.users (email) values ('a@example.com')"), { code: '23505' })

  await migrateDown({ connectionString: url, to: 0 })
  t.strictSame((await pool.query("select from pg_namespace where nspname = 'auth'")).rowCount, 0)
})

t.test("somebody else's is left alone, up and down", async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  await pool.query("create schema auth; create table auth.users (id uuid primary key); comment on table auth.users is 'Auth: Stores user login data within a secure schema.'")
  const before = await catalogOf(pool)
  await migrateUp({ connectionString: url, logger })
  t.strictSame((await catalogOf(pool)).filter((line) => /(relation|column) \w? ?auth\./.test(line)), before.filter((line) => /(relation|column) \w? ?auth\./.test(line)))
  await migrateDown({ connectionString: url, to: 0 })
  t.strictSame(await catalogOf(pool), before)
})

t.test('a role that may only refer to it, without CREATE on schema auth, migrates', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const name = `role_${randomBytes(6).toString('hex')}`
  const roleUrl = new URL(url)
  roleUrl.username = name
  roleUrl.password = 'secret'
  await pool.query(`
    create schema auth;
    create table auth.users (id uuid primary key);
    create role ${name} login password 'secret';
    grant create on database ${roleUrl.pathname.slice(1)} to ${name};
    grant create on schema public to ${name};
    grant usage on schema auth to ${name};
    grant references on auth.users to ${name}`)
  t.teardown(async () => await pool.query(`drop owned by ${name} cascade; drop role ${name}`))

  const applied = await migrateUp({ connectionString: roleUrl.href, logger })
  t.equal(applied[0]?.version, 10)
})

t.test('ours stays while something else refers to it', async (t) => {
  const { url, pool } = await createDatabase(t)
  await pool.query('create table profiles (user_id uuid references auth.users (id))')
  await migrateDown({ connectionString: url, to: 0 })
  t.match(await usersComment(pool), /^Made by Latchkey:/)
  await migrateUp({ connectionString: url, logger })
  t.match(await usersComment(pool), /^Made by Latchkey:/)
})

async function usersComment (pool: pg.Pool): Promise<string | null> {
  const { rows } = await pool.query<{ text: string | null }>("select obj_description('auth.users'::regclass, 'pg_class') as text")
  return rows[0]?.text ?? null
}
