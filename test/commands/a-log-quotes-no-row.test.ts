import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { serialisedError } from '../../src/commands/serialised-error.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { keysConfig } from '../keys/support.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { RunningCli } from '../support/process.ts'

t.test('Postgres quotes a row that it refuses, and the gateway does not log it', async t => {
  const { url: databaseUrl, pool } = await createDatabase(t)
  const bcrypt = new BcryptPool({ queueMax: 1, logger: pino({ level: 'silent' }) })
  const { key } = await new KeyManager({ pool, peppers: new Peppers([]), bcrypt, config: keysConfig })
    .create({ user: 'ada@example.com', name: 'test', scopes: [] })
  await bcrypt.close()
  await pool.query('alter table api_keys add check (key_lookup is null)')
  const { rows: [row] } = await pool.query<{ key_hash: string }>('select key_hash from api_keys')

  const folder = mkdtempSync(join(tmpdir(), 'latchkey-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'gateway.yaml'), 'upstreams: { u: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /a, upstream: u }]\n')
  const cli = new RunningCli(t, ['start', '--config', 'gateway.yaml'], {
    cwd: folder,
    env: { DATABASE_URL: databaseUrl, LATCHKEY_KEY_PEPPER: 'ab'.repeat(32), LATCHKEY_HOST: '127.0.0.1', LATCHKEY_PORT: '0', LATCHKEY_ADMIN_PORT: '0', LOG_LEVEL: 'trace' },
  })
  await cli.prints('the key store was reached')
  const gatewayUrl = String(cli.logLine('listening').gatewayUrl)
  t.equal((await send(`${gatewayUrl}/a`, { headers: { 'x-api-key': key } })).code, 'upstream_unreachable', 'the key is good')
  await cli.prints('could not be written')
  cli.child.kill('SIGTERM')
  await cli.ended()
  const { stdout, stderr } = cli
  t.match(stdout, 'violates check constraint', 'what is wrong is said')
  t.notMatch(stdout + stderr, row!.key_hash)
  t.notMatch(stdout + stderr, 'Failing row')
})

t.test('errors inside of errors quote none either', async t => {
  const refused = () => Object.assign(new Error('refused'), { code: '23514', detail: 'Failing row contains (secret)', where: 'secret' })
  const logged: string[] = []
  const logger = pino({ serializers: { err: serialisedError } }, { write: line => { logged.push(line) } })
  logger.warn({ err: new AggregateError([refused(), new AggregateError([refused()])]) }, 'list')
  logger.warn({ err: Object.assign(new Error('outer', { cause: refused() }), { inner: refused() }) }, 'inner')
  logger.warn({ err: Object.assign(new Error('lost'), { client: { secretKey: 'secret' } }) }, 'connection')
  logger.warn({ err: 'text' }, 'no error')
  logger.warn({ err: null }, 'nothing')
  t.equal(logged.length, 5)
  t.notMatch(logged.join(''), 'secret')
  t.match(logged[1], '23514')
  t.match(logged[3], '"err":"text"')
})
