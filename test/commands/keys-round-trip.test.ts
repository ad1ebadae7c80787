import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('a key is made, shown, changed, disabled, enabled and revoked', async t => {
  const { url, pool } = await createDatabase(t)
  const cwd = t.testdir()
  const env = { DATABASE_URL: url }
  const latchkey = async (...args: string[]) => {
    const result = await runCli(args, { cwd, env })
    t.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`)
    return result
  }

  const made = await latchkey('keys', 'create', '--user', 'ada@example.com', '--name', 'Reporting', '--scope', 'inventory:read', '--scope', 'tickets:*', '--expires-in', '90d')
  t.match(made.stdout, /^sk_live_[0-9A-Za-z]{38}\n$/, 'the key alone is on standard output')
  t.match(made.stderr, /will not be shown again/)
  const prefix = made.stdout.slice(0, 12)

  const { rows: [row] } = await pool.query('select * from api_keys')
  t.match(row.key_hash, /^\$2b\$10\$/)
  t.equal(row.key_lookup, null, 'no digest without a pepper')
  const leftMs = row.expires_at.getTime() - Date.now()
  t.ok(leftMs > 89 * 86_400_000 && leftMs <= 90 * 86_400_000, 'it lasts 90 days')

  const json = JSON.parse((await latchkey('keys', 'create', '--user', row.user_id, '--name', 'CI', '--scope', '*', '--environment', 'test', '--description', 'builds', '--expires-at', '2090-01-01', '--json')).stdout)
  t.match(json, {
    key: /^sk_test_[0-9A-Za-z]{38}$/,
    apiKey: { userId: row.user_id, name: 'CI', description: 'builds', scopes: ['*'], environment: 'test', status: 'active', expiresAt: '2090-01-01T00:00:00.000Z', revokedAt: null },
  })

  const listed = await latchkey('keys', 'list')
  t.match(listed.stdout, new RegExp(`^ID +PREFIX +NAME .*\n${row.id} +${prefix.replace('$', '\\$')} +Reporting .* active .*\n${json.apiKey.id} .* CI .*\n$`))
  t.notOk(listed.stdout.includes('\u001b'), 'no colours in a pipe')

  const page = JSON.parse((await latchkey('keys', 'list', '--limit', '1', '--json')).stdout)
  t.equal(page.data.length, 1)
  t.type(page.nextCursor, 'string')
  const rest = JSON.parse((await latchkey('keys', 'list', '--limit', '1', '--cursor', page.nextCursor, '--json')).stdout)
  t.match(rest, { data: [{ id: json.apiKey.id }], nextCursor: null })

  t.match(JSON.parse((await latchkey('keys', 'show', prefix, '--json')).stdout), { id: row.id, scopes: ['inventory:read', 'tickets:*'] })
  t.match((await latchkey('keys', 'show', made.stdout.trim())).stdout, new RegExp(`id +${row.id}\n`), 'a whole key counts as its prefix')

  const changed = JSON.parse((await latchkey('keys', 'update', prefix, '--name', 'Reports', '--scope', 'inventory:read', '--never-expires', '--json')).stdout)
  t.match(changed, { id: row.id, name: 'Reports', scopes: ['inventory:read'], expiresAt: null })
  t.match((await latchkey('keys', 'update', prefix, '--description', 'monthly')).stdout, /description +monthly\n/)
  t.match(JSON.parse((await latchkey('keys', 'update', prefix, '--description', '', '--json')).stdout), { description: null, name: 'Reports' })

  t.match((await latchkey('keys', 'disable', prefix)).stdout, `Disabled ${prefix} (id ${row.id}, Reports).`)
  t.match(JSON.parse((await latchkey('keys', 'list', '--status', 'disabled', '--json')).stdout), { data: [{ id: row.id }] })
  t.match((await latchkey('keys', 'enable', prefix)).stdout, `Enabled ${prefix}`)
  const revoked = await latchkey('keys', 'revoke', String(row.id))
  t.match(revoked.stdout, /^Revoked .* for good, as of \d{4}-/)

  const enabled = await runCli(['keys', 'enable', prefix], { cwd, env })
  t.equal(enabled.code, 2, 'revoked is for good')
  t.match(enabled.stderr, /was revoked/)

  const { rows: [after] } = await pool.query('select is_active, revoked_at, key_hash from api_keys where id = $1', [row.id])
  t.match(after, { is_active: false, revoked_at: Date, key_hash: row.key_hash })
})
