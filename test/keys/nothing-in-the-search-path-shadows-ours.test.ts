import pg from 'pg'
import t from 'tap'
import { KeyManager } from '../../src/keys/manager.ts'
import { insertKey, newKey, openKeys, openShared, randomPeppers } from './support.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { postgresStore, rowOf, startRecorder } from '../usage/support.ts'

const shared = await openShared(t)

/**
 * Whoever may create in a schema of the role's search_path could offer functions and operators that fit the columns'
 * types better than Postgres' own, and tables of our names in a schema that comes first.
 */
t.test('tables, functions and operators of others stay unused', async t => {
  const { pool, url } = shared.database
  const name = new URL(url).pathname.slice(1)
  await pool.query(`
    create schema evil;
    create table evil.api_keys (like public.api_keys);
    create table evil.api_key_usage (like public.api_key_usage);
    create function evil.fail() returns text language plpgsql as $$ begin raise 'evil ran'; end $$;
    create function evil.rtrim(varchar, text) returns text language sql as 'select evil.fail()';
    create function evil.lower(varchar) returns text language sql as 'select evil.fail()';
    create function evil.starts_with(varchar, text) returns boolean language sql as 'select evil.fail() is null';
    create function evil.equals(varchar, varchar) returns boolean language sql as 'select evil.fail() is null';
    create operator evil.= (leftarg = varchar, rightarg = varchar, function = evil.equals);
    create function evil.over(float8, int) returns float8 language sql as 'select evil.fail()::float8';
    create operator evil./ (leftarg = float8, rightarg = int, function = evil.over);
    create function evil.times(numeric, int) returns numeric language sql as 'select evil.fail()::numeric';
    create operator evil.* (leftarg = numeric, rightarg = int, function = evil.times);
    alter database ${name} set search_path = evil, public`)
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()) })
  const { key, id } = await insertKey(keys.database, { columns: { expires_at: new Date(Date.now() + 3_600_000) } })
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal((await keys.verifier.verify(newKey())).status, 'unknown')
  t.equal(await keys.verifier.probe(), true)
  // A pool that connects with the new path only.
  const newPool = new pg.Pool({ connectionString: url })
  // Its database may be dropped while a connection is still closing.
  newPool.on('error', () => {})
  t.teardown(() => newPool.end())
  const manager = new KeyManager({ pool: newPool, peppers: keys.peppers, bcrypt: keys.bcrypt, config: keys.config })
  const { apiKey } = await manager.create({ user: 'ada@example.com', name: 'n', scopes: ['a:b'] })
  t.equal((await manager.list({ prefix: apiKey.prefix, scope: 'a:b', status: 'active' })).data.length, 1)

  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  recorder.record(rowOf(id))
  await recorder.flush()
  t.match(recorder.stats(), { written: 1, dropped: 0, waiting: 0 })
  const { rows } = await pool.query('select count(*)::int as rows from public.api_key_usage')
  t.same(rows, [{ rows: 1 }])
})
