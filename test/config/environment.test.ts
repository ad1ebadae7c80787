import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadEnvironment } from '../../src/config/environment.ts'
import { UsageError } from '../../src/errors.ts'

function faultsOf (env: NodeJS.ProcessEnv): string[] {
  try {
    loadEnvironment(env)
    return []
  } catch (err) {
    if (!(err instanceof UsageError)) throw err
    return err.message.split('\n')
  }
}

t.test('an empty environment', async (t) => {
  const nothing = {
    databaseUrl: null,
    databaseDirectUrl: null,
    configFile: 'config/gateway.yaml',
    host: null,
    port: null,
    adminHost: null,
    adminPort: null,
    adminToken: null,
    keyPeppers: [],
    dataDir: '.latchkey',
    logLevel: 'info',
  }
  t.same(loadEnvironment({}), nothing)
  t.same(loadEnvironment({ DATABASE_URL: '', LATCHKEY_PORT: '', LATCHKEY_KEY_PEPPER: '', LATCHKEY_ADMIN_TOKEN: '', LOG_LEVEL: '' }), nothing, 'empty counts as not set')
})

t.test('everything set', async (t) => {
  const pepper = randomBytes(32)
  t.same(loadEnvironment({
    DATABASE_URL: 'postgres://u:p@db/latchkey?sslmode=require',
    DATABASE_DIRECT_URL: 'postgresql://u:p@db:5433/latchkey',
    LATCHKEY_CONFIG: 'other.yaml',
    LATCHKEY_HOST: '::',
    LATCHKEY_PORT: '0',
    LATCHKEY_ADMIN_HOST: 'localhost',
    LATCHKEY_ADMIN_PORT: '65535',
    LATCHKEY_ADMIN_TOKEN: 'x'.repeat(24),
    LATCHKEY_KEY_PEPPER: pepper.toString('hex'),
    LATCHKEY_DATA_DIR: '/var/lib/latchkey',
    LOG_LEVEL: 'DEBUG',
  }), {
    databaseUrl: 'postgres://u:p@db/latchkey?sslmode=require',
    databaseDirectUrl: 'postgresql://u:p@db:5433/latchkey',
    configFile: 'other.yaml',
    host: '::',
    port: 0,
    adminHost: 'localhost',
    adminPort: 65535,
    adminToken: 'x'.repeat(24),
    keyPeppers: [pepper],
    dataDir: '/var/lib/latchkey',
    logLevel: 'debug',
  })
})

t.test('peppers are hex or base64, padded or not, a list of them rotates', async (t) => {
  const [one, other, third, fourth] = [randomBytes(32), randomBytes(33), randomBytes(64), randomBytes(35)]
  const list = [one.toString('hex').toUpperCase(), other.toString('base64'), third.toString('base64').replace(/=+$/, ''), fourth.toString('base64url')]
  t.same(loadEnvironment({ LATCHKEY_KEY_PEPPER: list.join(', ') }).keyPeppers, [one, other, third, fourth])
})

t.test('what is hex and base64 at once is hex', async (t) => {
  const digits = '0123456789abcdef'.repeat(4)
  t.same(loadEnvironment({ LATCHKEY_KEY_PEPPER: digits }).keyPeppers, [Buffer.from(digits, 'hex')])
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: digits.slice(0, 48) }), [/entry 1 has 24 bytes: 32 or more are needed/], '36 bytes were it base64')
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: digits.slice(0, 63) }), [/entry 1 is neither hex nor base64/])
})

t.test('faulty peppers', async (t) => {
  const good = randomBytes(32).toString('hex')
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: `${good},` }), [/entry 2 is neither/])
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: `${good},${good}` }), [/entry 2 is listed twice/])
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: 'not/base64_of any kind' }), [/entry 1 is neither/])
  t.match(faultsOf({ LATCHKEY_KEY_PEPPER: randomBytes(31).toString('base64') }), [/entry 1 has 31 bytes/])
})

t.test('all faults at once, one a line, and no secret in any', async (t) => {
  const faults = faultsOf({
    DATABASE_URL: 'mysql://root:hush-hush@db/x',
    DATABASE_DIRECT_URL: 'hush-hush',
    LATCHKEY_HOST: 'a:80',
    LATCHKEY_PORT: '65536',
    LATCHKEY_ADMIN_HOST: '[::1]',
    LATCHKEY_ADMIN_PORT: '-1',
    LATCHKEY_ADMIN_TOKEN: 'hush-hush',
    LATCHKEY_KEY_PEPPER: 'hush-hush',
    LOG_LEVEL: 'loud',
  })
  for (const name of ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'LATCHKEY_HOST', 'LATCHKEY_PORT', 'LATCHKEY_ADMIN_HOST', 'LATCHKEY_ADMIN_PORT', 'LATCHKEY_ADMIN_TOKEN', 'LATCHKEY_KEY_PEPPER', 'LOG_LEVEL']) {
    t.equal(faults.filter((fault) => fault.startsWith(`${name} `) || fault.startsWith(`${name}:`)).length, 1, name)
  }
  t.equal(faults.length, 9)
  t.notMatch(faults.join('\n'), 'hush')
})

t.test('ports and tokens', async (t) => {
  for (const port of ['8080x', '0x50', '1e3', ' 80', '80.0', '+80', '123456']) t.match(faultsOf({ LATCHKEY_PORT: port }), [/LATCHKEY_PORT must be a port/], port)
  t.match(faultsOf({ LATCHKEY_ADMIN_TOKEN: 'x'.repeat(23) }), [/24 characters or more/])
  t.match(faultsOf({ LATCHKEY_ADMIN_TOKEN: `${'x'.repeat(24)} y` }), [/no spaces/])
  t.match(faultsOf({ LATCHKEY_ADMIN_TOKEN: `${'x'.repeat(24)}é` }), [/printable ASCII/])
})

t.test('a direct URL alone is a mistake', async (t) => {
  t.match(faultsOf({ DATABASE_DIRECT_URL: 'postgres://db/x' }), [/DATABASE_DIRECT_URL is set and DATABASE_URL is not/])
})

t.test('secrets from files', async (t) => {
  const folder = t.testdir({})
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const pepper = randomBytes(32)
  t.match(loadEnvironment({
    DATABASE_URL_FILE: file('url', 'postgres://u:p@db/x\r\n'),
    DATABASE_DIRECT_URL_FILE: file('direct', 'postgres://u:p@db/y'),
    LATCHKEY_ADMIN_TOKEN_FILE: file('token', `${'x'.repeat(24)}\n`),
    LATCHKEY_KEY_PEPPER_FILE: file('pepper', `${pepper.toString('base64')}\n`),
  }), { databaseUrl: 'postgres://u:p@db/x', databaseDirectUrl: 'postgres://u:p@db/y', adminToken: 'x'.repeat(24), keyPeppers: [pepper] })

  const path = file('good', 'x'.repeat(24))
  t.match(faultsOf({ LATCHKEY_ADMIN_TOKEN: 'y'.repeat(24), LATCHKEY_ADMIN_TOKEN_FILE: path }), [/LATCHKEY_ADMIN_TOKEN and LATCHKEY_ADMIN_TOKEN_FILE are both set: keep one/])
  t.same(faultsOf({ LATCHKEY_ADMIN_TOKEN: '', LATCHKEY_ADMIN_TOKEN_FILE: path }), [])
  t.same(faultsOf({ LATCHKEY_ADMIN_TOKEN_FILE: join(folder, 'missing') }), ['LATCHKEY_ADMIN_TOKEN_FILE: the file cannot be read (ENOENT)'])
  t.same(faultsOf({ LATCHKEY_ADMIN_TOKEN_FILE: folder }), ['LATCHKEY_ADMIN_TOKEN_FILE: the file cannot be read (EISDIR)'])
  t.same(faultsOf({ LATCHKEY_ADMIN_TOKEN_FILE: file('empty', '\n') }), ['LATCHKEY_ADMIN_TOKEN_FILE: the file is empty'])
  t.same(faultsOf({ LATCHKEY_ADMIN_TOKEN_FILE: file('large', 'x'.repeat(100_000)) }), ['LATCHKEY_ADMIN_TOKEN_FILE: the file is larger than a secret can be'])
})
