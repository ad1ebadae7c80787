import pg from 'pg'
import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { createRole, gatewayGrants } from '../support/role.ts'

t.test('a function that acts with its owner\'s rights runs nobody else\'s code', async t => {
  const database = await createDatabase(t)
  const { pool } = database
  const role = await createRole(t, database)
  await pool.query(gatewayGrants(role.name))
  const attacker = new pg.Client(role.url)
  await attacker.connect()
  t.teardown(() => attacker.end())
  // Stands in for whatever the owner may do and this role may not.
  await pool.query('create table latchkey.treasure (taken_by text)')
  await attacker.query(`
    create function pg_temp.take() returns boolean language plpgsql as $$
    begin
      insert into latchkey.treasure values (current_user);
      return true;
    end $$`)
  for (const name of ['pg_class', 'pg_inherits', 'pg_partitioned_table', 'pg_constraint', 'pg_namespace']) {
    await attacker.query(`create temp view ${name} as select * from pg_catalog.${name} where pg_temp.take()`)
    await attacker.query(`grant select on pg_temp.${name} to public`)
  }
  await t.rejects(attacker.query('select from pg_class limit 1'), /permission denied for table treasure/, 'it works on whoever looks there')
  await attacker.query("select latchkey.make_usage_partitions(5), latchkey.drop_usage_partitions(now() - interval '1 year')")
  t.equal((await pool.query('select from latchkey.treasure')).rowCount, 0)
})

t.test('all of ours look for temporary tables last, and are closed to the public', async t => {
  const { pool } = await createDatabase(t)
  const { rows } = await pool.query<{ name: string, settings: string[] | null, is_public: boolean }>(`
    select p.oid::regprocedure::text as name, p.proconfig as settings, has_function_privilege('public', p.oid, 'execute') as is_public
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where p.prosecdef and n.nspname in ('latchkey', 'public')`)
  t.ok(rows.length >= 3)
  for (const { name, settings, is_public: isPublic } of rows) {
    t.ok(settings?.some(setting => /^search_path=.*, pg_temp$/.test(setting)), `${name}: ${settings?.join()}`)
    t.notOk(isPublic, name)
  }
})
