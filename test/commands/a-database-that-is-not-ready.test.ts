import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('a database that is down: a clear message, exit code 1', async t => {
  const { code, stdout, stderr } = await runCli(['keys', 'list'], { cwd: t.testdir(), env: { DATABASE_URL: 'postgres://app:hunter2@127.0.0.1:1/app' } })
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^error: .*connect ECONNREFUSED 127\.0\.0\.1:1\nThe database cannot be reached\./)
  t.notMatch(stderr, /hunter2|\n {4}at /)
})

t.test('LOG_LEVEL=debug shows the stack, still without the password', async t => {
  const { code, stderr } = await runCli(['keys', 'list'], { cwd: t.testdir(), env: { DATABASE_URL: 'postgres://app:hunter2@127.0.0.1:1/app', LOG_LEVEL: 'debug' } })
  t.equal(code, 1)
  t.match(stderr, /\n {4}at /)
  t.notMatch(stderr, /hunter2/)
})

t.test('a wrong password: a hint that says so', async t => {
  const { url } = await createDatabase(t)
  const wrong = new URL(url)
  wrong.password = 'hunter2'
  const { code, stderr } = await runCli(['keys', 'list'], { cwd: t.testdir(), env: { DATABASE_URL: wrong.href } })
  t.equal(code, 1)
  t.match(stderr, /refuses the password\. Check DATABASE_URL/)
})

t.test('pending migrations: the command to run, exit code 2', async t => {
  const { url } = await createDatabase(t, { migrated: false })
  const env = { DATABASE_URL: url }
  const cwd = t.testdir()
  const listed = await runCli(['keys', 'list'], { cwd, env })
  t.equal(listed.code, 2)
  t.match(listed.stderr, /lacks \d+ migrations\. Run: latchkey migrate up/)

  const migrated = await runCli(['migrate', 'up'], { cwd, env })
  t.equal(migrated.code, 0, migrated.stderr)
  t.equal((await runCli(['keys', 'list'], { cwd, env })).code, 0)
})
