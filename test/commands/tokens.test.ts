import { userInfo } from 'node:os'
import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('a token is made, listed and revoked', async t => {
  const { url, pool } = await createDatabase(t)
  const cwd = t.testdir()
  const env = { DATABASE_URL: url }
  const latchkey = async (...args: string[]) => {
    const result = await runCli(args, { cwd, env })
    t.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`)
    return result
  }

  t.match(await latchkey('tokens', 'list'), { stdout: /^NAME +PREFIX +RIGHTS +STATUS +LAST USED +EXPIRES\n$/, stderr: /There is no token/ })
  const made = await latchkey('tokens', 'create', '--name', 'deploy', '--rights', 'write', '--expires-in', '90d')
  t.match(made.stdout, /^latchkey_admin_[0-9A-Za-z]{38}\n$/, 'the token alone is on standard output')
  t.match(made.stderr, /deploy, which may read and change all; it expires on \d{4}-.*will not be shown again/)
  const prefix = made.stdout.slice(0, 19)
  const { rows: [row] } = await pool.query('select * from latchkey.admin_tokens')
  const leftMs = row.expires_at.getTime() - Date.now()
  t.ok(leftMs > 89 * 86_400_000 && leftMs <= 90 * 86_400_000, 'it lasts 90 days')

  const json = JSON.parse((await latchkey('tokens', 'create', '--name', 'dashboard', '--rights', 'read', '--json')).stdout)
  t.match(json, { token: /^latchkey_admin_/, adminToken: { name: 'dashboard', prefix: json.token.slice(0, 19), rights: 'read', status: 'active', expiresAt: null, lastUsedAt: null, revokedAt: null } })

  const listed = await latchkey('tokens', 'list')
  t.match(listed.stdout, new RegExp(`\ndeploy +${prefix} +write +active +never +\\d{4}-.*\ndashboard +${json.adminToken.prefix} +read +active +never +never\n$`))
  t.match(JSON.parse((await latchkey('tokens', 'list', '--json')).stdout), { data: [{ name: 'deploy' }, json.adminToken] })

  t.match((await latchkey('tokens', 'revoke', 'deploy')).stdout, new RegExp(`^Revoked deploy \\(${prefix}\\) for good, as of \\d{4}-`))
  t.match(JSON.parse((await latchkey('tokens', 'revoke', json.token, '--json')).stdout), { name: 'dashboard', status: 'revoked' }, 'a whole token counts as its prefix')
  t.match((await latchkey('tokens', 'list')).stdout, /deploy .* revoked .*\ndashboard .* revoked /)

  const { rows } = await pool.query('select action, actor_kind, actor_name from latchkey.audit order by id')
  const actor = { actor_kind: 'command', actor_name: userInfo().username }
  t.same(rows, ['token.created', 'token.created', 'token.revoked', 'token.revoked'].map(action => ({ action, ...actor })), 'the audit log names who ran the command')
})
