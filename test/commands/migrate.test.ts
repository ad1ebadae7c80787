import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('migrations go up and down, and say how far they are', async t => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const cwd = t.testdir()
  // Where a pooler stands before the database, migrations take the direct way.
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/pooler', DATABASE_DIRECT_URL: url }
  const latchkey = async (...args: string[]) => await runCli(args, { cwd, env })

  const before = JSON.parse((await latchkey('migrate', 'status', '--json')).stdout)
  t.ok(before.pending > 0)
  t.equal(before.migrations.length, before.pending)
  t.match((await latchkey('migrate', 'status')).stdout, /^VERSION +NAME +APPLIED\n[^]*011 +\S+ +pending\n[^]*pending\. Run: latchkey migrate up\n$/)

  const { applied } = JSON.parse((await latchkey('migrate', 'up', '--json')).stdout)
  t.equal(applied.length, before.pending)
  t.match((await latchkey('migrate', 'up')).stdout, /Nothing to do/)
  t.match(JSON.parse((await latchkey('migrate', 'status', '--json')).stdout), { pending: 0 })

  const undone = await latchkey('migrate', 'down')
  t.equal(undone.code, 0)
  t.match(undone.stdout, /^undone {2}0\d\d {2}.*\nDone: 1 undone\.\n$/)
  await latchkey('migrate', 'up')

  await pool.query(`
    with ada as (insert into auth.users (email) values ('ada@example.com') returning id)
    insert into api_keys (user_id, key_hash, key_prefix, name) select id, 'x', 'x', 'x' from ada`)
  const refused = await latchkey('migrate', 'down', '--to', '0')
  t.equal(refused.code, 2)
  t.match(refused.stderr, /Say --drop-keys-and-usage/)
  const dropped = await latchkey('migrate', 'down', '--to', '0', '--drop-keys-and-usage')
  t.equal(dropped.code, 0, dropped.stderr)
  t.equal((await pool.query("select to_regclass('api_keys') as table")).rows[0].table, null)
})

t.test('verify gives a verdict each, and fails when one does', async t => {
  const { url, pool } = await createDatabase(t)
  const run = { cwd: t.testdir(), env: { DATABASE_URL: url } }
  const good = await runCli(['migrate', 'verify'], run)
  t.equal(good.code, 0, good.stdout)
  t.match(good.stdout, /^ok .*\n[^]*All \d+ checks passed\.\n$/)

  await pool.query('drop index idx_api_keys_user_id')
  const bad = await runCli(['migrate', 'verify'], run)
  t.equal(bad.code, 1)
  t.match(bad.stdout, /fail {2}index idx_api_keys_user_id: is missing/)
  t.equal(bad.stderr, '', 'the verdicts have said it')
  t.match(JSON.parse((await runCli(['migrate', 'verify', '--json'], run)).stdout), { ok: false })
})
