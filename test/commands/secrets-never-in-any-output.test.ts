import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { madeUpHash } from '../keys/import/support.ts'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

const good = 'upstreams: { a: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /r, upstream: a }]\n'

t.test('no command prints a hash, a digest, a password, a pepper, a token or, twice, a key', async t => {
  const { url, pool } = await createDatabase(t)
  const cwd = t.testdir({ 'good.yaml': good })
  const env = {
    DATABASE_URL: url,
    LATCHKEY_CONFIG: 'good.yaml',
    LATCHKEY_KEY_PEPPER: randomBytes(32).toString('hex'),
    LATCHKEY_ADMIN_TOKEN: randomBytes(24).toString('base64url'),
    LATCHKEY_PORT: '0',
    LATCHKEY_ADMIN_PORT: '0',
    LOG_LEVEL: 'trace',
  }
  const made = await runCli(['keys', 'create', '--user', 'ada@example.com', '--name', 'One', '--scope', 'a:read', '--json'], { cwd, env })
  t.equal(made.code, 0, made.stderr)
  const { key } = JSON.parse(made.stdout)
  const madeToken = await runCli(['tokens', 'create', '--name', 'deploy', '--rights', 'write', '--json'], { cwd, env })
  t.equal(madeToken.code, 0, madeToken.stderr)
  const { token } = JSON.parse(madeToken.stdout)
  const { rows: [tokenRow] } = await pool.query('select token_hash from latchkey.admin_tokens')
  const { rows: [row] } = await pool.query('select key_hash, key_lookup from api_keys')
  t.ok(row.key_lookup, 'a digest was written')
  await pool.query("insert into api_key_usage (api_key_id, endpoint, method, status_code, route, created_at) values (1, '/r', 'GET', 500, 'r', now())")
  await pool.query("update api_keys set created_at = '2019-01-01'")
  const secrets = {
    hash: row.key_hash,
    'digest in hex': row.key_lookup.toString('hex'),
    'digest in base64': row.key_lookup.toString('base64'),
    password: new URL(url).password,
    pepper: env.LATCHKEY_KEY_PEPPER,
    "environment's token": env.LATCHKEY_ADMIN_TOKEN,
    'hash of the token in hex': tokenRow.token_hash.toString('hex'),
    'hash of the token in base64': tokenRow.token_hash.toString('base64'),
  }
  const down = new URL(url)
  down.port = '1'

  const rotated = await runCli(['keys', 'rotate', '1'], { cwd, env })
  const newKey = rotated.stdout.trim()
  t.match(newKey, /^sk_live_[0-9A-Za-z]{38}$/)
  const foreignHash = madeUpHash()
  const imported = { userId: 'ada@example.com', name: 'Two', scopes: ['a'], keyHash: foreignHash, keyPrefix: 'sk_live_a1B2' }
  const fields = Object.keys(imported)
  for (const [name, lines] of Object.entries({
    // What belongs elsewhere in each place, and a file without header.
    'keys.ndjson': [imported, ...fields.flatMap(field => [{ ...imported, [field]: key }, { ...imported, [field]: foreignHash }]), { [key]: 1 }, { [foreignHash]: key }, foreignHash, key].map(value => JSON.stringify(value)),
    'broken.ndjson': [`{"keyHash":"${foreignHash}`, key, `[${key}]`],
    'keys.csv': [fields.join(','), ...fields.map((_, i) => fields.map((_, j) => i === j ? key : foreignHash).join(',')), `"${key}"${key}`, `${foreignHash}"`],
    'headless.csv': [`${key},${foreignHash},a`],
    'half.csv': [`userId,name,${key},${foreignHash},scopes,keyHash,keyPrefix`],
  })) writeFileSync(path.join(cwd, name), lines.join('\n'))

  const outputs = [made.stderr, made.stdout.replace(key, ''), madeToken.stderr, madeToken.stdout.replace(token, ''), rotated.stderr, rotated.stdout.replace(newKey, '')]
  for (const args of [['keys', 'list'], ['keys', 'list', '--json'], ['keys', 'show', '1', '--json'], ['keys', 'show', key], ['keys', 'revoke', `${key}x`], ['keys', 'list', key],
    ['keys', 'import', 'keys.ndjson'], ['keys', 'import', 'keys.ndjson', '--skip-faulty', '--json'], ['keys', 'import', 'keys.ndjson'], ['keys', 'import', 'broken.ndjson', '--json'],
    ['keys', 'import', 'keys.csv', '--json'], ['keys', 'import', 'headless.csv'], ['keys', 'import', 'half.csv', '--json'], ['keys', 'import', key], ['keys', 'end-grace', '1'],
    ['usage', 'report', '--json'], ['usage', 'report', 'errors'], ['usage', 'report', 'idle-keys', '--since', '2020-01-01', '--json'], ['usage', 'report', 'unused-scopes', '--json'],
    ['usage', 'export'], ['usage', 'export', '--format', 'csv'], ['usage', 'report', '--key', key],
    ['tokens', 'list'], ['tokens', 'list', '--json'], ['tokens', 'revoke', `${token}x`], ['tokens', 'revoke', token, '--json'], ['tokens', 'create', '--name', token, '--rights', 'read'], ['tokens', 'create', token],
    ['doctor'], ['doctor', '--json'], ['migrate', 'status'], ['config', 'check']]) {
    const { stdout, stderr } = await runCli(args, { cwd, env })
    outputs.push(stdout, stderr)
  }
  for (const args of [['keys', 'list'], ['tokens', 'revoke', token], ['doctor']]) {
    const { stdout, stderr } = await runCli(args, { cwd, env: { ...env, DATABASE_URL: down.href } })
    outputs.push(stdout, stderr)
  }
  const all = outputs.join('\n')
  for (const [name, secret] of Object.entries({ ...secrets, key, newKey, token, foreignHash })) t.notOk(all.includes(secret), `no ${name}`)
})
