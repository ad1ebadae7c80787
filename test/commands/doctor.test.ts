import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

interface Finding { readonly check: string, readonly status: string, readonly detail: string, readonly remedy: string | null }

const pepper = randomBytes(32).toString('hex')

t.test('all is well', async t => {
  const { url } = await createDatabase(t)
  const upstream = await listen(t)
  const run = { cwd: t.testdir({ 'gateway.yaml': configFor(upstream) }), env: environment(url) }
  const { code, stdout } = await runCli(['doctor'], run)
  t.equal(code, 0, stdout)
  t.match(stdout, /^ok {4}Node: /)
  t.match(stdout, /ok {4}NOTIFY: round trip in \d+ ms\n/)
  t.match(stdout, /ok {4}Usage spool: \.latchkey, empty\n/)
  t.match(stdout, /All is well\.\n$/)
})

t.test('what is wrong is named, with what to do', async t => {
  const { url, pool } = await createDatabase(t)
  const taken = await listen(t)
  const cwd = t.testdir({ 'gateway.yaml': configFor(1) })
  await pool.query(`
    with ada as (insert into auth.users (email) values ('ada@example.com') returning id)
    insert into api_keys (user_id, key_hash, key_prefix, name, key_lookup, pepper_id)
    select id, hash, prefix, 'x', lookup, pepper from ada, (values
      ('no bcrypt', 'sk_live_aaaa', null::bytea, null),
      ('$2b$10$' || repeat('x', 53), '...', null, null),
      ('$2b$10$' || repeat('x', 53), 'sk_live_bbbb', '\\x01', 'dropped')) as rows (hash, prefix, lookup, pepper)`)
  await pool.query('alter table api_keys disable trigger latchkey_notify_update')
  await pool.query("select setval(pg_get_serial_sequence('api_key_usage', 'id'), 8400000000000000)")

  const { code, stdout } = await runCli(['doctor', '--json'], { cwd, env: { ...environment(url), LATCHKEY_PORT: String(taken), LATCHKEY_ADMIN_TOKEN: '' } })
  t.equal(code, 1)
  const { ok, findings }: { ok: boolean, findings: Finding[] } = JSON.parse(stdout)
  t.equal(ok, false)
  const has = (check: string, status: string, detail: RegExp) => {
    t.ok(findings.some(finding => finding.check === check && finding.status === status && detail.test(finding.detail) && finding.remedy !== null), `${check}: ${status} ${detail}`)
  }
  has('Admin token', 'warn', /not set/)
  has('Schema', 'fail', /trigger latchkey_notify_update: is disabled/)
  has('Duplicate keys', 'warn', /^2 rows /)
  has('Unusable keys', 'warn', /^2 rows .*id 1, 2$/)
  has('Peppers in use', 'warn', /^1 keys? /)
  has('Usage ids', 'fail', /^93 %/)
  has('Upstream inventory', 'fail', /127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED/)
  has('Gateway port', 'fail', /taken by another program/)
})

t.test('a spool without a place, or without room', async t => {
  const { url } = await createDatabase(t)
  const cwd = t.testdir({ 'gateway.yaml': `${configFor(1)}usage: { spoolBytesMax: 1024GiB }\n` })
  const small = await runCli(['doctor'], { cwd, env: environment(url) })
  t.match(small.stdout, /warn {2}Usage spool: .* has \d+[MG]iB left, less than usage\.spoolBytesMax\n +-> Make room there/)
  const nowhere = await runCli(['doctor'], { cwd, env: { ...environment(url), LATCHKEY_DATA_DIR: 'gateway.yaml' } })
  t.match(nowhere.stdout, /warn {2}Usage spool: .*gateway\.yaml cannot be written to/)
})

t.test('a role that row-level security keeps from the rows', async t => {
  const { url, pool } = await createDatabase(t)
  const role = `doctor_${randomBytes(6).toString('hex')}`
  await pool.query(`create role ${role} login password 'hunter2'`)
  t.teardown(async () => { await pool.query(`drop owned by ${role}; drop role ${role}`) })
  await pool.query(`grant usage on schema latchkey to ${role}; grant select on all tables in schema public, latchkey to ${role}`)
  const restricted = new URL(url)
  restricted.username = role
  restricted.password = 'hunter2'
  const { code, stdout } = await runCli(['doctor'], { cwd: t.testdir({ 'gateway.yaml': configFor(1) }), env: environment(restricted.href) })
  t.equal(code, 1)
  t.match(stdout, new RegExp(`fail {2}Schema: rows visible to this role: row-level security keeps role ${role} from rows: INSERT, SELECT on public\\.api_key_usage, SELECT, UPDATE on public\\.api_keys`))
  t.match(stdout, new RegExp(`GRANT UPDATE ON public\\.api_keys TO "${role}"; GRANT INSERT ON public\\.api_key_usage TO`))
  t.match(stdout, new RegExp(`warn {2}Rights to manage keys: ${role} lacks INSERT, UPDATE ON public\\.api_keys`))
  t.match(stdout, new RegExp(`warn {2}Rights for the admin API: ${role} lacks DELETE ON public\\.api_keys; .*UPDATE \\(last_used_at\\) ON latchkey\\.admin_tokens\n.*beside the rights to manage keys: GRANT DELETE`))
  t.notMatch(stdout, /hunter2/)
})

t.test('pending migrations, a faulty file, a database that is away', async t => {
  const { url } = await createDatabase(t, { migrated: false })
  const cwd = t.testdir({ 'gateway.yaml': 'routes: 5\n' })
  const pending = await runCli(['doctor'], { cwd, env: environment(url) })
  t.equal(pending.code, 1)
  t.match(pending.stdout, /fail {2}Migrations: \d+ pending\n +-> Run: latchkey migrate up\n/)
  t.match(pending.stdout, /fail {2}Configuration: gateway\.yaml:1:\d+ /)

  const away = await runCli(['doctor', '--config', 'nowhere.yaml'], { cwd, env: environment('postgres://app:hunter2@127.0.0.1:1/app') })
  t.equal(away.code, 1)
  t.match(away.stdout, /fail {2}Database: .*ECONNREFUSED/)
  t.match(away.stdout, /fail {2}Configuration: nowhere\.yaml does not exist/)
  t.notMatch(away.stdout, /hunter2/)
})

t.test('in an empty folder it makes no database', async t => {
  const cwd = t.testdir({ 'gateway.yaml': configFor(1) })
  const { stdout } = await runCli(['doctor'], { cwd, env: { ...environment(''), LATCHKEY_DATA_DIR: 'data' } })
  t.match(stdout, /ok {4}Database: none yet: `latchkey start` makes an embedded one in data/)
  t.strictSame(readdirSync(cwd), ['gateway.yaml'])
})

function environment (databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    LATCHKEY_CONFIG: 'gateway.yaml',
    LATCHKEY_KEY_PEPPER: pepper,
    LATCHKEY_ADMIN_TOKEN: randomBytes(24).toString('hex'),
    LATCHKEY_HOST: '127.0.0.1',
    LATCHKEY_PORT: '0',
    LATCHKEY_ADMIN_PORT: '0',
  }
}

function configFor (upstreamPort: number): string {
  return `upstreams: { inventory: { targets: ["http://127.0.0.1:${upstreamPort}"] } }\nroutes: [{ id: r, path: /r, upstream: inventory }]\n`
}

/** A program that accepts connections and closes them; its port. */
async function listen (t: Test): Promise<number> {
  const server: Server = createServer(socket => { socket.destroy() }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => new Promise(resolve => { server.close(resolve) }))
  return (server.address() as AddressInfo).port
}
