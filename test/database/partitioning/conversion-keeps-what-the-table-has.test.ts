import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../../src/database/migrate.ts'
import { partitionUsage } from '../../../src/database/partitioning/index.ts'
import { verifySchema } from '../../../src/database/verify.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createRole } from '../../support/role.ts'
import { createPlainUsage, partitionCounts, usageOf } from './plain-usage.ts'

t.test('an empty table, and one as the seed has it', async (t) => {
  for (const rows of [0, 3_000]) {
    const { url, pool } = await createPlainUsage(t, rows)
    const before = await usageOf(pool)
    t.match(await partitionUsage({ connectionString: url }), { state: 'partitioned', refusals: [] })
    t.strictSame(await usageOf(pool), before)
    t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
    // A row an hour, 3000 hours back.
    const counts = await partitionCounts(pool)
    if (rows > 0) t.ok(Object.keys(counts).length >= 5)
    t.equal(counts.api_key_usage_default, undefined)
    t.match(await partitionUsage({ connectionString: url }), { state: 'partitioned' }, 'and again: nothing to do')
    const { rows: [{ id, type }] } = await pool.query("insert into api_key_usage (api_key_id, endpoint, method) select min(id), '/', 'GET' from api_keys returning id, pg_typeof(id)::text as type")
    t.strictSame({ id, type }, { id: String(rows + 1), type: 'bigint' }, 'the ids go on')
  }
})

t.test('whatever else belongs to it', async (t) => {
  const database = await createPlainUsage(t, 500)
  const { url, pool } = database
  const role = await createRole(t, database)
  const { rows: [{ selects }] } = await pool.query("select current_setting('server_version_num')::int >= 150000 as selects")
  await pool.query(`
    set search_path = public;
    comment on table api_key_usage is 'It''s the usage.';
    alter table api_key_usage add column tenant text default 'acme' check (tenant <> ''), add column doubled integer generated always as (response_time_ms * 2) stored;
    alter table api_key_usage alter column endpoint type text;
    alter table api_key_usage force row level security;
    alter table api_key_usage no force row level security;
    create index "Odd name" on api_key_usage using btree (lower(endpoint), status_code desc) where status_code >= 400;
    comment on index "Odd name" is 'odd';
    create table tenants (name text primary key);
    insert into tenants values ('acme');
    alter table api_key_usage add constraint known_tenant foreign key (tenant) references tenants (name);
    grant select, insert (api_key_id, endpoint) on api_key_usage to ${role.name};
    grant delete on api_key_usage to ${role.name} with grant option;
    grant usage on sequence api_key_usage_id_seq to ${role.name};
    create policy own on api_key_usage as restrictive for select to ${role.name} using (exists (select from api_keys as k where k.id = api_key_usage.api_key_id));
    create policy "all" on api_key_usage to public using (true) with check (method <> 'TRACE');
    create function shout() returns trigger language plpgsql as $$ begin new.user_agent := upper(new.user_agent); return new; end $$;
    create trigger shout before insert on api_key_usage for each row when (new.user_agent is not null) execute function shout();
    create trigger quiet after update of endpoint, method on api_key_usage for each statement execute function shout();
    alter table api_key_usage enable always trigger shout;
    alter table api_key_usage disable trigger quiet;
    create publication usage_columns for table api_key_usage ${selects ? '(id, endpoint, created_at)' : ''};
    create publication usage_rows for table api_key_usage ${selects ? 'where (status_code > 0)' : ''};
    reset search_path`)
  const before = { rows: await usageOf(pool), belongings: await belongings(pool) }

  t.strictSame((await partitionUsage({ connectionString: url })).refusals, [])
  t.strictSame(await usageOf(pool), before.rows)
  t.strictSame(await belongings(pool), before.belongings)
  const { rows: [inserted] } = await pool.query("insert into api_key_usage (api_key_id, endpoint, method, user_agent) select min(id), '/', 'GET', 'curl' from api_keys returning user_agent, tenant")
  t.strictSame(inserted, { user_agent: 'CURL', tenant: 'acme' })
  t.equal((await pool.query("select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace, aclexplode(c.relacl) as a where nspname = 'latchkey' and relname like 'api_key_usage_%' and a.grantee <> c.relowner")).rowCount, 0,
    'partitions are reached through their parent alone')
  t.strictSame((await pool.query('select pubname, pubviaroot from pg_publication order by 1')).rows, [{ pubname: 'usage_columns', pubviaroot: true }, { pubname: 'usage_rows', pubviaroot: true }])
})

t.test('ids of an identity column, and their rights', async (t) => {
  for (const kind of ['always', 'by default']) {
    const database = await createPlainUsage(t)
    const { url, pool, keyIds } = database
    const role = await createRole(t, database)
    await pool.query(`
      alter table api_key_usage alter column id drop default;
      drop sequence api_key_usage_id_seq;
      alter table api_key_usage alter column id add generated ${kind} as identity (increment by 3 cache 5);
      grant usage on sequence api_key_usage_id_seq to ${role.name};
      insert into api_key_usage (api_key_id, endpoint, method) select ${keyIds[0]}, '/', 'GET' from generate_series(1, 7)`)
    const { rows: [{ last }] } = await pool.query('select last_value::int as last from api_key_usage_id_seq')
    t.match(await partitionUsage({ connectionString: url }), { state: 'partitioned', refusals: [] })
    const { rows: [{ id, identity, may }] } = await pool.query(`
      with added as (insert into api_key_usage (api_key_id, endpoint, method) values (${keyIds[0]}, '/', 'GET') returning id)
      select id::int, (select attidentity from pg_attribute where attrelid = 'api_key_usage'::regclass and attname = 'id') as identity,
        has_sequence_privilege('${role.name}', 'api_key_usage_id_seq', 'usage') as may from added`)
    t.ok(id > last, 'beyond all that were ever given')
    t.strictSame({ identity, may }, { identity: kind === 'always' ? 'a' : 'd', may: true })
  }
})

t.test('rows without a time, or of an odd one, lie in the default partition', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  await pool.query(`
    create schema auth; create table auth.users (id uuid primary key);
    create table api_keys (id bigserial primary key, user_id uuid, key_hash text, key_prefix text, name text, description text, scopes text[],
      is_active boolean, expires_at timestamptz, last_used_at timestamptz, created_at timestamptz, revoked_at timestamptz);
    create table api_key_usage (created_at timestamptz, id bigserial primary key, api_key_id bigint, endpoint text, method text, status_code integer,
      ip_address inet, user_agent text, response_time_ms integer, "More, of ours" jsonb);
    insert into api_key_usage (created_at, endpoint, "More, of ours") values (null, '/a', '{"a": 1}'), ('infinity', '/b', null), ('-infinity', '/c', null),
      ('0044-03-15 BC', '/d', null), ('9999-12-31', '/e', null), (now(), '/f', null), (null, null, null), (now() - interval '6 years', '/g', null)`)
  await migrateUp({ connectionString: url, logger: pino({ level: 'silent' }) })
  t.strictSame((await pool.query('select endpoint, tableoid::regclass::text like \'%default\' as stray from api_key_usage order by id')).rows.map(({ endpoint, stray }) => [endpoint, stray]),
    [['/a', true], ['/b', true], ['/c', true], ['/d', true], ['/e', true], ['/f', false], [null, true], ['/g', false]])
  await pool.query("insert into api_key_usage (endpoint) values ('/later')")
  t.strictSame((await pool.query("select pg_get_constraintdef(oid) as key from pg_constraint where conrelid = 'api_key_usage'::regclass and conname = 'api_key_usage_pkey'")).rows,
    [{ key: 'UNIQUE (id, created_at)' }], 'as created_at may be null, and still may')
})

/** All but what a partitioned table has in its own way: the primary key, and ids that are bigint. */
async function belongings (pool: import('pg').Pool): Promise<unknown> {
  const { rows } = await pool.query<{ what: string }>(`
    select pg_get_indexdef(indexrelid) as what from pg_index where indrelid = 'api_key_usage'::regclass and not indisprimary
    union all select obj_description(indexrelid, 'pg_class') from pg_index where indrelid = 'api_key_usage'::regclass
    union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = 'api_key_usage'::regclass and contype in ('f', 'c')
    union all select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where tgrelid = 'api_key_usage'::regclass and not tgisinternal
    union all select to_jsonb(p)::text from pg_policies as p where tablename = 'api_key_usage'
    union all select concat_ws(' ', relowner::regrole, relrowsecurity, relforcerowsecurity, relreplident, obj_description(oid, 'pg_class')) from pg_class where oid = 'api_key_usage'::regclass
    union all select array(select a::text from unnest(relacl) as a order by 1)::text from pg_class where oid in ('api_key_usage'::regclass, 'api_key_usage_id_seq'::regclass)
    union all select concat_ws(' ', attname, case when attname <> 'id' then format_type(atttypid, atttypmod) end, attnotnull, attgenerated, attacl, col_description(attrelid, attnum),
        (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum))
      from pg_attribute where attrelid = 'api_key_usage'::regclass and attnum > 0 and not attisdropped
    union all select to_jsonb(p)::text from pg_publication_tables as p
    order by 1`)
  return rows.map(({ what }) => what?.replaceAll(' ON ONLY ', ' ON '))
}
