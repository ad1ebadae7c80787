import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('a prefix that two keys share changes neither', async t => {
  const { url, pool } = await createDatabase(t)
  const { rows: [user] } = await pool.query("insert into auth.users (email) values ('ada@example.com') returning id")
  const { rows } = await pool.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name)
    select $1, '$2b$10$' || repeat('x', 53), prefix, 'imported' from unnest(array['sk_live_same', 'sk_live_same...']) as prefix
    returning id`, [user.id])

  const { code, stderr } = await runCli(['keys', 'revoke', 'sk_live_same'], { cwd: t.testdir(), env: { DATABASE_URL: url } })
  t.equal(code, 2)
  t.match(stderr, `More than one key has the prefix sk_live_same: name it by its id, one of ${rows.map(({ id }) => id).join(', ')}`)
  const { rowCount } = await pool.query('select from api_keys where revoked_at is not null')
  t.equal(rowCount, 0)
})
