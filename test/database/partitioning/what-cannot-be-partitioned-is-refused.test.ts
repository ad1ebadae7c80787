import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../../src/database/migrate.ts'
import { partitionUsage } from '../../../src/database/partitioning/index.ts'
import { runCli } from '../../support/cli.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createRole } from '../../support/role.ts'
import { catalogOf } from '../catalog.ts'
import { createPlainUsage } from './plain-usage.ts'

const refused: [statement: string, reason: RegExp][] = [
  ['create view busy as select api_key_id from api_key_usage', /^view public\.busy reads it: drop it, and make it again/],
  ['create materialized view busy as select count(*) from api_key_usage', /^materialized view public\.busy reads it/],
  ['create rule quiet as on delete to api_key_usage do also notify gone', /^rule quiet: drop it/],
  ['create table other (usage_id integer references api_key_usage (id))', /^foreign key other_usage_id_fkey of public\.other refers to it/],
  ['create table other () inherits (api_key_usage)', /^public\.other is its child/],
  ['create table base (route text); alter table api_key_usage inherit base', /^public\.base is its parent/],
  ['create table other (usage api_key_usage[])', /^column usage of table public\.other has the table's type/],
  ['create function first_usage() returns api_key_usage language sql as $$ select null::api_key_usage $$', /^function public\.first_usage\(\) depends on it/],
  ['create function total() returns bigint language sql begin atomic select count(*) from api_key_usage; end', /^function public\.total\(\) depends on it/],
  ['create policy p on api_keys using (exists (select from api_key_usage))', /^policy p of public\.api_keys reads it/],
  ['alter table api_key_usage drop constraint api_key_usage_pkey', /^its column id is neither a primary key nor unique/],
  ['alter table api_key_usage drop constraint api_key_usage_pkey, add unique (id), alter column id drop not null', /^its column id allows null/],
  ['create unique index requests on api_key_usage (request_id)', /^index public\.requests is unique, which partitions can't ensure: drop it/],
  ['alter table api_key_usage add constraint apart exclude (request_id with =)', /^index public\.apart is of an exclusion constraint/],
  ['alter table api_key_usage drop constraint api_key_usage_api_key_id_fkey, add foreign key (api_key_id) references api_keys (id) not valid', /^foreign key \S+ isn't validated: alter table public\.api_key_usage validate constraint/],
  ['alter table api_key_usage set unlogged', /^it is unlogged/],
  ['alter table api_key_usage replica identity using index api_key_usage_pkey', /^its replica identity is an index/],
  [`create function f() returns trigger language plpgsql as 'begin return null; end';
    create trigger each_row after insert on api_key_usage referencing new table as fresh for each row execute function f()`, /^trigger each_row has a transition table for each row/],
  ['create publication everything for all tables', /^publication everything publishes all tables/],
  ['alter table api_key_usage alter column created_at drop not null; create publication a_few for table api_key_usage', /^publication a_few names rows by their primary key/],
  // Only Postgres itself finds these out.
  ['create type pair as (a integer, b integer); alter table api_key_usage add column p pair; alter table api_key_usage drop column created_at; alter table api_key_usage add column created_at timestamptz generated always as (null::timestamptz) stored', /generated column in partition key/],
]

for (const [statement, reason] of refused) {
  t.test(`refused: ${statement.split('\n')[0]}`, async (t) => {
    const { url, pool } = await createPlainUsage(t, 20)
    await pool.query(`set search_path = public; ${statement}; reset search_path`)
    const before = await catalogOf(pool)
    const { state, refusals } = await partitionUsage({ connectionString: url })
    t.equal(state, 'plain')
    t.equal(refusals.length, 1, refusals.join('; '))
    t.match(refusals[0], reason)
    t.strictSame(await catalogOf(pool), before, 'nothing was changed')
  })
}

t.test('all of them at once, and `migrate up` says so without failing', async (t) => {
  const { url, pool } = await createPlainUsage(t, 20)
  await pool.query('create view public.busy as select 1 from api_key_usage; create unique index requests on api_key_usage (request_id)')
  const { code, stdout } = await runCli(['migrate', 'up'], { cwd: t.testdir(), env: { DATABASE_URL: url } })
  t.equal(code, 0)
  t.match(stdout, /could not be partitioned by month.*\n {2}index public\.requests.*\n {2}view public\.busy/)
  t.match(JSON.parse((await runCli(['migrate', 'up', '--json'], { cwd: t.testdir(), env: { DATABASE_URL: url } })).stdout), { usagePartitioning: { state: 'plain', refusals: { length: 2 } } })
  t.match((await runCli(['migrate', 'status'], { cwd: t.testdir(), env: { DATABASE_URL: url } })).stdout, /not partitioned by month yet\. Run: latchkey migrate up\n$/)
  const verified = await runCli(['migrate', 'verify'], { cwd: t.testdir(), env: { DATABASE_URL: url } })
  t.equal(verified.code, 1)
  t.match(verified.stdout, /fail {2}api_key_usage partitioned by month: is not\. Run: latchkey migrate up/)
})

t.test('a table of another owner', async (t) => {
  const database = await createPlainUsage(t)
  const role = await createRole(t, database)
  const other = await createRole(t, database)
  await database.pool.query(`alter table api_key_usage owner to ${other.name}; grant ${other.name} to ${role.name};
    grant usage, create on schema latchkey to ${role.name}; grant select on all tables in schema latchkey to ${role.name}; alter table latchkey.usage_partitioning disable row level security`)
  t.match(await partitionUsage({ connectionString: role.url }), { refusals: [`it belongs to ${other.name}, and not to ${role.name}: run this as ${other.name}`] })
})

t.test('a table that its owner has partitioned is left alone', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  await pool.query(`
    create schema auth; create table auth.users (id uuid primary key);
    create table api_keys (id serial primary key, user_id uuid, key_hash text, key_prefix text, name text, description text, scopes text[],
      is_active boolean, expires_at timestamptz, last_used_at timestamptz, created_at timestamptz, revoked_at timestamptz);
    create table api_key_usage (id bigserial, api_key_id integer, endpoint text, method text, status_code integer,
      ip_address inet, user_agent text, response_time_ms integer, created_at timestamptz) partition by hash (id);
    create table usage_0 partition of api_key_usage for values with (modulus 1, remainder 0)`)
  await migrateUp({ connectionString: url, logger: pino({ level: 'silent' }) })
  t.match(await partitionUsage({ connectionString: url }), { state: 'foreign', refusals: [] })
  const { rows } = await pool.query('select latchkey.make_usage_partitions(3) as made, array(select latchkey.drop_usage_partitions(now())) as dropped')
  t.strictSame(rows, [{ made: 0, dropped: [] }])
})
