import { lstatSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runCli } from '../support/cli.ts'

t.test('in an empty folder both files are written and work at once', async t => {
  const cwd = t.testdir()
  const { code, stdout } = await runCli(['init'], { cwd })
  t.equal(code, 0)
  t.match(stdout, /written {2}gateway\.yaml/)
  t.strictSame(readdirSync(cwd).sort(), ['.env', 'gateway.yaml'], 'no drafts are left')
  t.equal(statSync(path.join(cwd, '.env')).mode & 0o777, 0o600)

  const secrets = secretsIn(path.join(cwd, '.env'))
  t.match(secrets.LATCHKEY_KEY_PEPPER, /^[0-9a-f]{64}$/)
  t.match(secrets.LATCHKEY_ADMIN_TOKEN, /^[\w-]{43}$/)
  for (const secret of Object.values(secrets)) t.notMatch(stdout, secret, 'no secret is printed')

  const checked = await runCli(['config', 'check'], { cwd })
  t.equal(checked.code, 0, checked.stderr)
  t.match(checked.stdout, /^ok {2}gateway\.yaml\n/, 'the .env names the file')
})

t.test('what exists is left alone, and said so', async t => {
  const cwd = t.testdir({ '.env': 'MINE=1\n' })
  const { code, stdout } = await runCli(['init'], { cwd })
  t.equal(code, 0, 'the other file was written')
  t.match(stdout, /kept {5}\.env/)
  t.match(stdout, /add LATCHKEY_CONFIG=gateway\.yaml there/)
  t.equal(readFileSync(path.join(cwd, '.env'), 'utf8'), 'MINE=1\n')

  const before = readFileSync(path.join(cwd, 'gateway.yaml'), 'utf8')
  const again = await runCli(['init'], { cwd })
  t.equal(again.code, 2, 'nothing could be written')
  t.match(again.stderr, /exist already; nothing was written/)
  t.equal(readFileSync(path.join(cwd, 'gateway.yaml'), 'utf8'), before)
  t.strictSame(readdirSync(cwd).sort(), ['.env', 'gateway.yaml'])
})

t.test('a dangling link is not written through', async t => {
  const cwd = t.testdir({ 'gateway.yaml': '' })
  symlinkSync('elsewhere', path.join(cwd, '.env'))
  const { code } = await runCli(['init'], { cwd })
  t.equal(code, 2)
  t.ok(lstatSync(path.join(cwd, '.env')).isSymbolicLink())
  t.notOk(readdirSync(cwd).includes('elsewhere'))
})

t.test('two installations share no secret', async t => {
  const folders = t.testdir({ one: {}, two: {} })
  const secrets = await Promise.all(['one', 'two'].map(async name => {
    const cwd = path.join(folders, name)
    t.match(JSON.parse((await runCli(['init', '--json'], { cwd })).stdout), { written: ['gateway.yaml', '.env'], kept: [] })
    return secretsIn(path.join(cwd, '.env'))
  }))
  t.not(secrets[0]?.LATCHKEY_KEY_PEPPER, secrets[1]?.LATCHKEY_KEY_PEPPER)
  t.not(secrets[0]?.LATCHKEY_ADMIN_TOKEN, secrets[1]?.LATCHKEY_ADMIN_TOKEN)
})

function secretsIn (file: string): { LATCHKEY_KEY_PEPPER: string, LATCHKEY_ADMIN_TOKEN: string } {
  const text = readFileSync(file, 'utf8')
  const valueOf = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1] ?? ''
  return { LATCHKEY_KEY_PEPPER: valueOf('LATCHKEY_KEY_PEPPER'), LATCHKEY_ADMIN_TOKEN: valueOf('LATCHKEY_ADMIN_TOKEN') }
}
