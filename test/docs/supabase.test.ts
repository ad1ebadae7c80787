import { readFile } from 'node:fs/promises'
import path from 'node:path'
import bcrypt from 'bcrypt'
import pg from 'pg'
import t from 'tap'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { createDatabase } from '../support/postgres.ts'
import { createRole } from '../support/role.ts'
import { followGuide } from './guide.ts'

t.test('supabase.md, done as it says on what imitates Supabase, shows what it says', async t => {
  const database = await createDatabase(t, { migrated: false })
  const role = await createRole(t, database)
  await imitateSupabase(database.pool, role.name)
  const appKey = 'app_3kD9vQ2xR7tLwZ5nB8mC'
  const app = new pg.Client(role.url)
  await app.connect()
  await app.query(await readFile(path.join(import.meta.dirname, '../../migrations/011.do.api-key-management.sql'), 'utf8'))
  await app.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name, scopes)
    select id, $1, $2, 'Made by an app', '{inventory:read}' from auth.users`, [bcrypt.hashSync(appKey, 10), appKey.slice(0, 12)])
  await app.end()

  await followGuide(t, {
    page: 'supabase.md',
    after: [{ page: 'getting-started.md', upTo: '## A gateway before it' }],
    env: { DATABASE_URL: await startPgbouncer(t, role.url), DATABASE_DIRECT_URL: role.url, APP_KEY: appKey },
    ports: [3000, 8080, 8081],
  })
  const { rows } = await database.pool.query("select has_any_column_privilege('anon', 'api_keys', 'select') or has_any_column_privilege('authenticated', 'api_keys', 'select') as is_open")
  t.same(rows, [{ is_open: false }], 'whom default privileges had let in')
})

/** `login` stands for Supabase's postgres: no superuser, above row-level security, owner of public and of nothing in auth. */
async function imitateSupabase (pool: pg.Pool, login: string): Promise<void> {
  // Roles belong to the whole server, where another test may be making the same ones.
  for (const name of ['anon', 'authenticated', 'service_role', 'supabase_auth_admin']) {
    await pool.query(`do $$ begin create role ${name}; exception when duplicate_object or unique_violation then null; end $$`)
  }
  await pool.query(`
    alter role ${login} bypassrls;
    do $$ begin execute format('grant create on database %I to ${login}', current_database()); end $$;
    alter schema public owner to ${login};
    grant usage on schema public to anon, authenticated, service_role;
    alter default privileges for role ${login} in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges for role ${login} in schema public grant all on sequences to anon, authenticated, service_role;
    alter default privileges for role ${login} in schema public grant all on functions to anon, authenticated, service_role;
    create schema auth authorization supabase_auth_admin;
    grant usage on schema auth to ${login}, anon, authenticated, service_role;
    create table auth.users (
      instance_id uuid, id uuid not null primary key, aud varchar(255), role varchar(255), email varchar(255),
      encrypted_password varchar(255), email_confirmed_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb,
      is_super_admin boolean, created_at timestamptz, updated_at timestamptz, phone text unique default null,
      is_sso_user boolean not null default false, deleted_at timestamptz, is_anonymous boolean not null default false
    );
    create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;
    alter table auth.users owner to supabase_auth_admin;
    alter table auth.users enable row level security;
    grant all on auth.users to ${login};
    create function auth.uid () returns uuid language sql stable as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
    insert into auth.users (id, email, aud, role) values (gen_random_uuid(), 'ada@example.com', 'authenticated', 'authenticated')`)
}
