import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { runCli, startCli } from '../support/cli.ts'
import { until } from '../support/until.ts'

t.test('without DATABASE_URL a command starts the embedded database, migrates it and ends it', async t => {
  // In a folder that the server's user can't enter, as a checkout under root's home is, the database would live elsewhere.
  const cwd = mkdtempSync(path.join(tmpdir(), 'latchkey-command-'))
  chmodSync(cwd, 0o755)
  t.teardown(() => rmSync(cwd, { recursive: true, force: true }))
  const { code, stdout, stderr } = await runCli(['keys', 'create', '--user', 'ada@example.com', '--name', 'One', '--scope', 'a:read'], { cwd })
  t.equal(code, 0, stderr)
  t.match(stdout, /^sk_live_/)
  t.notOk(existsSync(postmasterFile(cwd)), 'PostgreSQL has ended')

  const child = startCli(['doctor'], { cwd })
  child.stdout?.resume()
  child.stderr?.resume()
  const closed = once(child, 'close')
  await until(() => existsSync(postmasterFile(cwd)), 'PostgreSQL starts', { timeoutMs: 60_000 })
  const pid = Number(readFileSync(postmasterFile(cwd), 'utf8').split('\n')[0])
  child.kill('SIGINT')
  await closed
  t.notOk(existsSync(postmasterFile(cwd)), 'PostgreSQL has ended after SIGINT, too')
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })

  const listed = await runCli(['keys', 'list', '--json'], { cwd })
  t.match(JSON.parse(listed.stdout), { data: [{ name: 'One' }] }, 'the key is still there')
})

function postmasterFile (cwd: string): string {
  return path.join(cwd, '.latchkey/postgres/postmaster.pid')
}
