import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

const config = `
upstreams: { inventory: { targets: ["http://127.0.0.1:9"] } }
routes:
  - { id: read, path: /inventory/*, methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read], stripPrefix: /inventory }
  - { id: public, path: /status, upstream: inventory, auth: none }
  - { id: watched, path: /watched, upstream: inventory, auth: report, scopes: [inventory:read] }
`

t.test('verdicts from the file alone', async t => {
  const cwd = t.testdir({ 'gateway.yaml': config })
  const env = { LATCHKEY_CONFIG: 'gateway.yaml' }
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['config', 'explain', '--json', ...args], { cwd, env })
    t.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  t.match(await ask('--path', '/inventory/42?x=1', '--scopes', 'inventory:*'), { status: null, routeId: 'read', upstream: 'inventory', forwardedPath: '/42?x=1' })
  t.match(await ask('--path', '/inventory/42'), { status: 401, code: 'missing_key', requiredScopes: { allOf: ['inventory:read'] } })
  t.match(await ask('--path', '/inventory/42', '--method', 'post', '--scopes', '*'), { status: 405, code: 'method_not_allowed', allow: /GET/ })
  t.match(await ask('--path', '/inventory//42', '--scopes', '*'), { status: 400, code: 'ambiguous_path', reason: 'The path holds an empty segment (//).' })

  const { stdout } = await runCli(['config', 'explain', '--path', '/inventory/42', '--scopes', 'tickets:read'], { cwd, env })
  t.match(stdout, /^GET \/inventory\/42: 403 insufficient_scope\n\nwhy +.*\nroute +read\n[^]*scopes +all of inventory:read\n/)
})

t.test("verdicts with a key's scopes and state from the database", async t => {
  const { url } = await createDatabase(t)
  const cwd = t.testdir({ 'gateway.yaml': config })
  const env = { LATCHKEY_CONFIG: 'gateway.yaml', DATABASE_URL: url }
  const made = await runCli(['keys', 'create', '--user', 'ada@example.com', '--name', 'One', '--scope', 'inventory:read'], { cwd, env })
  t.equal(made.code, 0, made.stderr)
  const prefix = made.stdout.slice(0, 12)
  const ask = async (path: string) => JSON.parse((await runCli(['config', 'explain', '--json', '--path', path, '--key-prefix', prefix], { cwd, env })).stdout)

  t.match(await ask('/inventory/42'), { status: null, code: null, key: { prefix, status: 'active' } })
  await runCli(['keys', 'disable', prefix], { cwd, env })
  t.match(await ask('/inventory/42'), { status: 401, code: 'key_disabled', forwardedPath: null })
  t.match(await ask('/status'), { status: null, code: null }, 'a public route asks for no key')
  t.match(await ask('/watched'), { status: null, reportedCode: 'key_disabled' })
  await runCli(['keys', 'revoke', prefix], { cwd, env })
  t.match(await ask('/inventory/42'), { status: 401, code: 'key_revoked' })
})
