import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { userInfo } from 'node:os'
import t from 'tap'
import { madeUpHash } from '../keys/import/support.ts'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

const header = 'userId,description,name,scopes,keyHash,keyPrefix'
const line = (name: string, hash = madeUpHash(), scopes = 'a:read b:*') => `ada@example.com,"${name}",Reporting,${scopes},${hash},acme_a1b2`

const { url, pool } = await createDatabase(t)
const cwd = t.testdir()
const latchkey = async (args: readonly string[], input?: string) => await runCli(args, { cwd, env: { DATABASE_URL: url }, ...input === undefined ? {} : { input } })
const write = (name: string, ...lines: string[]) => writeFileSync(path.join(cwd, name), lines.join('\r\n'))
const countKeys = async () => (await pool.query('select from api_keys')).rowCount

t.test('a file of which two rows have faults', async t => {
  const hash = madeUpHash()
  write('keys.csv', header, line('One', hash), line('two\r\nlines'), line('Three', madeUpHash('2b', '13')), line('Four', hash, 'a:read B'))

  const refused = await latchkey(['keys', 'import', 'keys.csv'])
  t.equal(refused.code, 2)
  t.equal(refused.stdout, '')
  t.match(refused.stderr.split('\n'), [
    /^keys\.csv:5: keyHash: has the cost 13, which would take about 448 ms/,
    /^keys\.csv:6: scopes\.1: is not a scope/,
    'error: Nothing was imported: 2 of 4 rows have faults',
    '',
  ])
  t.equal(await countKeys(), 0)

  const json = await latchkey(['keys', 'import', 'keys.csv', '--json'])
  t.equal(json.code, 2)
  t.match(JSON.parse(json.stdout), { imported: 0, skipped: 2, dryRun: false, faults: [{ line: 5, field: 'keyHash' }, { line: 6, field: 'scopes.1' }], moreFaults: 0, warnings: [] })

  const dry = await latchkey(['keys', 'import', 'keys.csv', '--skip-faulty', '--dry-run'])
  t.equal(dry.code, 0)
  t.equal(dry.stdout, 'Would import 2 keys and skip 2 rows with faults. Nothing was changed.\n')
  t.equal(await countKeys(), 0)

  const skipping = await latchkey(['keys', 'import', 'keys.csv', '--skip-faulty'])
  t.equal(skipping.code, 0)
  t.equal(skipping.stdout, 'Imported 2 keys and skipped 2 rows with faults.\n')
  t.match(skipping.stderr, /^keys\.csv:5: keyHash: .*\nkeys\.csv:6: scopes\.1: .*\nwarning: 2 keys were made elsewhere.*\nwarning: No pepper is set.*\n$/)
  t.equal(await countKeys(), 2)

  const again = await latchkey(['keys', 'import', 'keys.csv', '--skip-faulty', '--json'])
  t.equal(again.code, 0)
  t.match(JSON.parse(again.stdout), { imported: 0, skipped: 4 })
  for (const { stdout, stderr } of [refused, json, skipping, again]) t.notMatch(stdout + stderr, /\$2[aby]\$\d\d/, 'no hash is printed')
})

t.test('NDJSON on standard input', async t => {
  const row = { userId: 'bob@example.com', name: 'From a pipe', scopes: ['a'], keyHash: madeUpHash('2y', '04'), keyPrefix: 'sk_live_a1B2' }
  const args = ['keys', 'import', '-', '--format', 'ndjson']
  const { code, stdout } = await latchkey(args, `${JSON.stringify(row)}\n`)
  t.equal(code, 0)
  t.equal(stdout, 'Imported 1 key.\n')
  const again = await latchkey(args, `\n${JSON.stringify(row)}\n`)
  t.equal(again.code, 2)
  t.match(again.stderr, '<stdin>:2: keyHash: is that of a key that is there already')
  const { rows } = await pool.query("select actor_kind, actor_name from latchkey.audit where key_name = 'From a pipe'")
  t.strictSame(rows, [{ actor_kind: 'command', actor_name: userInfo().username }])
})

t.test('a configuration with another brand and an optional checksum', async t => {
  writeFileSync(path.join(cwd, 'acme.yaml'), 'keys: { brand: acme, environments: [prod], checksum: optional }\nupstreams: { a: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /r, upstream: a }]\n')
  write('acme.jsonl', ...['acme_prod_a1B2', 'acme_live_a1B2'].map(keyPrefix => JSON.stringify({ userId: 'c@example.com', name: 'C', scopes: [], keyHash: madeUpHash(), keyPrefix })))
  const { code, stdout, stderr } = await latchkey(['keys', 'import', 'acme.jsonl', '--config', 'acme.yaml', '--skip-faulty'])
  t.equal(code, 0)
  t.equal(stdout, 'Imported 1 key and skipped 1 row with faults.\n')
  t.match(stderr, /acme\.jsonl:2: keyPrefix: is that of keys for an environment that the configuration does not admit: prod are/)
  t.notMatch(stderr, /invalid_key/)
})
