import t from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { readCsv } from '../usage/export/csv-reader.ts'
import { insertRows } from '../usage/export/support.ts'
import { createKeys } from '../usage/support.ts'

const config = `
upstreams: { a: { targets: ["http://127.0.0.1:9"] } }
routes:
  - { id: read, path: /read, upstream: a, scopes: [inventory:read] }
  - { id: write, path: /write, upstream: a, scopes: [inventory:write] }
`
const { url, pool } = await createDatabase(t)
const cwd = t.testdir({ 'gateway.yaml': config })
const env = { DATABASE_URL: url, LATCHKEY_CONFIG: 'gateway.yaml' }
const [busy, idle] = await createKeys(pool, 2) as [number, number]
await pool.query("update api_keys set created_at = now() - interval '200 days', scopes = '{inventory:*,tickets:read}'")
await insertRows(pool, [busy], 300)
await pool.query("insert into api_key_usage (api_key_id, route, endpoint, method, status_code, created_at) values ($1, 'read', '/x', 'GET', 200, now() - interval '100 days')", [busy])

const report = async (...args: string[]) => {
  const result = await runCli(['usage', 'report', ...args], { cwd, env })
  t.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`)
  return result
}

t.test('traffic: a table, with what it covers beside it', async t => {
  const { stdout, stderr } = await report()
  t.match(stdout, /^KEY +PREFIX +NAME +REQUESTS +ERRORS +5XX +AVG MS +P50 +P95 +P99 +BYTES IN +BYTES OUT\n/)
  t.match(stdout.split('\n')[1], new RegExp(`^${busy} +sk_test_0000 +test 1 +300 +30 +3 `))
  t.equal(stdout.trimEnd().split('\n').length, 2)
  t.match(stderr, /^\d{4}-\d\d-\d\d \d\d:00 to \d{4}-\d\d-\d\d \d\d:00 UTC, in whole hours\.\n300 requests in all, 30 errors; half took up to \d+ ms, 99% up to \d+ ms\.\n$/)
})

t.test('traffic: as JSON, a page at a time', async t => {
  const first = JSON.parse((await report('--by', 'route', '--by', 'status', '--limit', '2', '--json')).stdout)
  t.match(first, {
    data: [{ route: 'read', status: 200, requests: 180, errors: 0, latencyMs: { p99: Number } }, { route: 'write', status: 200, requests: 90 }],
    totals: { requests: 300, errors: 30, serverErrors: 3 },
    period: { from: /T\d\d:00:00\.000Z$/, to: /T\d\d:00:00\.000Z$/ },
    nextCursor: String,
  })
  const rest = JSON.parse((await report('--by', 'route', '--by', 'status', '--limit', '50', '--json', '--cursor', first.nextCursor)).stdout)
  t.strictSame([...first.data, ...rest.data].map(({ route, status, requests }) => [route, status, requests]), [
    ['read', 200, 180], ['write', 200, 90], ['read', 404, 18], ['write', 404, 9], ['read', 503, 2], ['write', 503, 1],
  ])
  t.equal(rest.nextCursor, null)
  for (const { latencyMs } of [first.totals, ...first.data, ...rest.data]) {
    for (const ms of Object.values(latencyMs)) t.match(String(ms), /^\d+(\.\d)?$/, 'milliseconds have one decimal')
  }
})

t.test('traffic: as CSV, by class of status and month, of one key', async t => {
  const [header, ...rows] = readCsv((await report('--by', 'class', '--by', 'key', '--key', String(busy), '--csv', '--sort', 'errors')).stdout)
  t.strictSame(header!.slice(0, 5), ['statusClass', 'keyId', 'keyPrefix', 'keyName', 'requests'])
  t.strictSame(rows.map(row => row.slice(0, 5)), [['4', String(busy), 'sk_test_0000', 'test 1', '27'], ['5', String(busy), 'sk_test_0000', 'test 1', '3'], ['2', String(busy), 'sk_test_0000', 'test 1', '270']])
  const { stdout } = await report('--by', 'month', '--since', '120d', '--status', '2xx')
  t.match(stdout, /^MONTH \(UTC\) +REQUESTS .*\n\d{4}-\d\d +1 .*\n/)
})

t.test('errors', async t => {
  const { stdout } = await report('errors')
  t.match(stdout, new RegExp(`^REQUESTS +STATUS +ROUTE +KEY +PREFIX +NAME +LAST IN THE HOUR \\(UTC\\)\n18 +404 +read +${busy} +sk_test_0000 +test 1 +\\d{4}-`))
  t.match(JSON.parse((await report('errors', '--status', '5xx', '--json')).stdout), { data: [{ requests: 2, status: 503, route: 'read', keyId: busy, keyPrefix: 'sk_test_0000' }, { requests: 1 }], nextCursor: null })
})

t.test('idle keys', async t => {
  await pool.query('update api_keys set last_used_at = now() where id = $1', [busy])
  const { stdout, stderr } = await report('idle-keys')
  t.match(stdout, new RegExp(`^ID +PREFIX .*\n${idle} +sk_test_0000 +test 2 .* never\n$`))
  t.match(stderr, /^Not used since .* UTC\. To stop one: latchkey keys disable ID\n$/)
  t.match((await report('idle-keys', '--since', '80d')).stderr, /^Not used since/)
  // Nothing is known of the time before the first row.
  const unknown = await report('idle-keys', '--since', '150d')
  t.notMatch(unknown.stdout, / never\n/)
  t.match(unknown.stderr, /^Usage is known only since .* UTC; keys without a recorded use are left out\.\nEvery other key in force was used, or made, since/)
  const json = await report('idle-keys', '--since', '150d', '--json')
  t.match(JSON.parse(json.stdout), { data: [], period: { knownFrom: /Z$/, isKnown: false } })
  t.match(json.stderr, /^Usage is known only since/)
})

t.test('unused scopes, and the command that takes them away', async t => {
  const { stdout, stderr } = await report('unused-scopes')
  t.match(stdout, new RegExp(`\n${busy} +sk_test_0000 +test 1 +narrow +inventory:\\* tickets:read +inventory:read inventory:write +tickets:read +inventory:\\* `))
  t.match(stdout, new RegExp(`\n${idle} +sk_test_0000 +test 2 +unused `))
  const command = `latchkey keys update ${busy} --scope inventory:read --scope inventory:write`
  t.ok(stderr.includes(`  ${command}\n`), stderr)
  const [narrow] = JSON.parse((await report('unused-scopes', '--json')).stdout).data
  t.match(narrow, { id: busy, verdict: 'narrow', narrowed: ['inventory:read', 'inventory:write'], command })

  const { code, stderr: fault } = await runCli(command.split(' ').slice(1), { cwd, env })
  t.equal(code, 0, fault)
  t.match(JSON.parse((await report('unused-scopes', '--key', String(busy), '--json')).stdout).data, [{ verdict: 'fits', held: ['inventory:read', 'inventory:write'], narrowed: null, command: null }])
})
