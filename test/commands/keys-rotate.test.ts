import { userInfo } from 'node:os'
import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

const { url, pool } = await createDatabase(t)
const cwd = t.testdir()
const latchkey = async (...args: string[]) => {
  const result = await runCli(args, { cwd, env: { DATABASE_URL: url } })
  t.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`)
  return result
}
const create = async (...args: string[]) => JSON.parse((await latchkey('keys', 'create', '--user', 'ada@example.com', '--name', 'Reporting', '--scope', 'a:read', '--json', ...args)).stdout)
const ofKey = /^sk_live_[0-9A-Za-z]{38}\n$/

t.test('a key is rotated, shown, and its grace ended', async t => {
  const { key, apiKey } = await create()
  const first = await latchkey('keys', 'rotate', key)
  t.match(first.stdout, ofKey, 'the new key alone is on standard output')
  t.not(first.stdout.trim(), key)
  const until = new RegExp(`^Key ${apiKey.id} \\(Reporting\\) has a new secret; the old one, ${apiKey.prefix}, works until (\\S+)\\. Here it is, and it will not be shown again:\n$`).exec(first.stderr)?.[1]
  const leftMs = Date.parse(until ?? '') - Date.now()
  t.ok(leftMs > 86_000_000 && leftMs <= 86_400_000, 'a day by default')

  t.match((await latchkey('keys', 'show', String(apiKey.id))).stdout, `earlier secret  ${apiKey.prefix} works until ${until}; not used since it was replaced\n`)
  await pool.query("update latchkey.earlier_secrets set last_used_at = '2026-01-02T03:04:05Z', last_user_agent = E'curl/8\\u001b[1m'")
  t.match((await latchkey('keys', 'show', String(apiKey.id))).stdout, '; last used 2026-01-02T03:04:05.000Z by curl/8\\u001b[1m\n')

  const { key: latest, apiKey: rotated } = JSON.parse((await latchkey('keys', 'rotate', String(apiKey.id), '--grace', '2h', '--json')).stdout)
  t.match(`${latest}\n`, ofKey)
  t.match(rotated, { id: apiKey.id, name: 'Reporting', scopes: ['a:read'], earlierSecrets: [{ prefix: first.stdout.slice(0, 12) }, { prefix: apiKey.prefix, lastUserAgent: 'curl/8\u001b[1m' }] })

  t.match((await latchkey('keys', 'end-grace', rotated.prefix)).stdout, `Ended 2 earlier secrets of ${rotated.prefix} (id ${apiKey.id}, Reporting). Gateways refuse them from now on.\n`)
  t.match((await latchkey('keys', 'end-grace', rotated.prefix)).stdout, /^No earlier secret of /)
  t.match(JSON.parse((await latchkey('keys', 'end-grace', rotated.prefix, '--json')).stdout), { id: apiKey.id, earlierSecrets: [] })

  const { rows } = await pool.query('select distinct actor_kind, actor_name from latchkey.audit')
  t.strictSame(rows, [{ actor_kind: 'command', actor_name: userInfo().username }], 'the log names who sat there')
})

t.test('without grace, no earlier secret works', async t => {
  const { apiKey } = await create()
  await latchkey('keys', 'rotate', String(apiKey.id))
  const { stderr } = await latchkey('keys', 'rotate', String(apiKey.id), '--grace', '0s')
  t.match(stderr, /has a new secret; the old one works no longer\. /)
  t.match(JSON.parse((await latchkey('keys', 'show', String(apiKey.id), '--json')).stdout), { earlierSecrets: [] })
})

t.test('the grace never outlasts the key', async t => {
  const { apiKey } = await create('--expires-in', '1h')
  const { stderr } = await latchkey('keys', 'rotate', String(apiKey.id), '--grace', '7d')
  t.match(stderr, `works until ${apiKey.expiresAt}`)
})

t.test('revoked and expired keys are not rotated', async t => {
  const { apiKey } = await create()
  for (const [change, says] of [["expires_at = '2001-01-01'", /has expired/], ['revoked_at = now()', /was revoked/]] as const) {
    await pool.query(`update api_keys set ${change} where id = $1`, [apiKey.id])
    const { code, stdout, stderr } = await runCli(['keys', 'rotate', String(apiKey.id)], { cwd, env: { DATABASE_URL: url } })
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, says)
  }
})
