import t from 'tap'
import { parseConfig } from '../../../src/config/load.ts'
import { ScopeJudge } from '../../../src/routes/scope-judge.ts'
import { trafficReport } from '../../../src/usage/reports/traffic.ts'
import { type UnusedScopesQuery, unusedScopes } from '../../../src/usage/reports/unused-scopes.ts'
import { rollUp } from '../../../src/usage/rollups/roll-up.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createKeys, openTransaction } from '../support.ts'

const { routes } = parseConfig(`
upstreams: { a: { targets: ["http://127.0.0.1:9"] } }
routes:
  - { id: read, path: /read, upstream: a, scopes: [inventory:read] }
  - { id: write, path: /write, upstream: a, scopes: [inventory:write] }
  - { id: tickets, path: /tickets, upstream: a, scopes: { anyOf: [tickets:read, tickets:admin] } }
  - { id: free, path: /free, upstream: a }
`, 'gateway.yaml')
const scopeJudge = new ScopeJudge(routes)
const judge: UnusedScopesQuery['judge'] = (held, used) => scopeJudge.judge(held, used)
const dayMs = 86_400_000
const since = new Date(Date.now() - 30 * dayMs)

const keys = [
  { does: 'a scope that no request needed is named', scopes: ['inventory:read', 'tickets:read'], used: { read: [200, 404, 500] }, verdict: 'narrow', unneeded: ['tickets:read'], narrowed: ['inventory:read'] },
  { does: 'a wildcard is narrowed', scopes: ['inventory:*', 'tickets:*'], used: { read: [200], tickets: [200] }, verdict: 'narrow', wider: ['inventory:*', 'tickets:*'], narrowed: ['inventory:read', 'tickets:admin'] },
  { does: 'whatever it was refused for, other than its scopes, counts', scopes: ['inventory:read', 'inventory:write'], used: { read: [401, 403, 429, 499], write: [403] }, verdict: 'fits', narrowed: null },
  { does: 'what it lacked a scope for does not', scopes: ['inventory:read', 'tickets:read'], used: { read: [200], write: [403] }, verdict: 'narrow', unneeded: ['tickets:read'], narrowed: ['inventory:read'] },
  { does: 'routes that ask for nothing leave nothing', scopes: ['inventory:read'], used: { free: [200] }, verdict: 'narrow', unneeded: ['inventory:read'], narrowed: [] },
  { does: 'one that needed all is left alone', scopes: ['inventory:read'], used: { read: [200] }, verdict: 'fits', narrowed: null },
  { does: 'one without a request is not narrowed', scopes: ['inventory:read'], used: {}, verdict: 'unused', unneeded: ['inventory:read'], narrowed: null },
  { does: 'one that used a route which is gone is not narrowed', scopes: ['inventory:read', 'tickets:read'], used: { read: [200], gone: [200] }, verdict: 'unknown_routes', unneeded: ['tickets:read'], unknownRoutes: ['gone'], narrowed: null },
  { does: 'nor is one of whose requests no route is known', scopes: ['inventory:read'], used: { '': [200] }, verdict: 'unknown_routes', unneeded: ['inventory:read'], unknownRoutes: [''], narrowed: null },
  { does: 'nor one that was made since', madeDaysAgo: 29, scopes: ['inventory:read', 'tickets:read'], used: { read: [200] }, verdict: 'young', unneeded: ['tickets:read'], narrowed: null },
] as const

const { url, pool } = await createDatabase(t)
const ids = await createKeys(pool, keys.length)
for (const [index, key] of keys.entries()) {
  const madeDaysAgo = 'madeDaysAgo' in key ? key.madeDaysAgo : 100
  await pool.query("update api_keys set scopes = $2, created_at = now() - $3 * interval '1 day' where id = $1", [ids[index], key.scopes, madeDaysAgo])
  for (const [route, statuses] of Object.entries(key.used)) await use(ids[index]!, route, statuses, 1)
}

t.test('as long as usage is not known for the whole period, every key is too young', async t => {
  const { data, period } = await unusedScopes(pool, { since, judge })
  t.strictSame(new Set(data.map(({ verdict }) => verdict)), new Set(['young', 'fits', 'unknown_routes']))
  t.ok(data.every(({ narrowed }) => narrowed === null))
  t.ok(period.knownFrom!.getTime() > since.getTime())
})

t.test('once it is', async t => {
  // Long before the period: it counts for nothing but that.
  await use(ids[0]!, 'tickets', [200], 40)
  const { data, nextCursor, period } = await unusedScopes(pool, { since, judge })
  t.equal(nextCursor, null)
  t.equal(period.from.getTime() % 3_600_000, 0)
  t.ok(period.from <= since && period.to.getTime() >= Date.now())
  for (const [index, { does, scopes, used, verdict, narrowed, ...judged }] of keys.entries()) {
    t.test(does, async t => {
      const found = data.find(({ id }) => id === ids[index])!
      t.strictSame(found.held, scopes)
      t.equal(found.verdict, verdict)
      t.strictSame(found.narrowed, narrowed)
      const expected = { unneeded: [], wider: [], unknownRoutes: [], ...judged }
      for (const name of ['unneeded', 'wider', 'unknownRoutes'] as const) t.strictSame(found[name], expected[name], name)
      t.strictSame(Object.fromEntries(found.routes.map(({ route, requests }) => [route, requests])), Object.fromEntries(Object.entries(used).map(([route, statuses]) => [route, statuses.length])))
    })
  }
})

t.test("the routes of a page's keys are those that traffic reports of each key", async t => {
  const { data, period: { from, to } } = await unusedScopes(pool, { since, judge })
  for (const { id, routes } of data) {
    const { rows } = await trafficReport(pool, { by: ['route'], from, to, filter: { keyId: id } })
    t.strictSame(routes, rows.map(({ group, requests }) => ({ route: group.route, requests })))
  }
  await rollUp(pool, { settleTimeoutMs: 20_000 })
  t.strictSame((await unusedScopes(pool, { since, judge })).data, data, 'rolled up, too')
})

t.test('one that takes too long as a whole ends with what to do', async t => {
  await openTransaction(t, url, 'lock table latchkey.usage_rollup', [])
  const query = unusedScopes(pool, { since, judge, timeoutMs: 100 })
  await t.rejects(query, { name: 'UsageError', message: /longer than 0\.1 s/ })
})

t.test('a page at a time, or one key, or one user', async t => {
  const found: number[] = []
  let afterId = 0
  for (let cursor: string | null = '0'; cursor !== null; afterId = Number(cursor)) {
    const page = await unusedScopes(pool, { since, judge, limit: 3, afterId })
    found.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  }
  t.strictSame(found, ids)
  t.strictSame((await unusedScopes(pool, { since, judge, keyId: ids[1]! })).data.map(({ id }) => id), [ids[1]])
  t.strictSame((await unusedScopes(pool, { since, judge, userId: '00000000-0000-4000-8000-000000000000' })).data, [])
})

t.test('keys that are not in force are left out', async t => {
  await pool.query('update api_keys set is_active = false where id = $1', [ids[0]])
  await pool.query('update api_keys set revoked_at = now() where id = $1', [ids[1]])
  t.strictSame((await unusedScopes(pool, { since, judge })).data.map(({ id }) => id), ids.slice(2))
})

async function use (keyId: number, route: string, statuses: readonly number[], daysAgo: number): Promise<void> {
  await pool.query(`
    insert into api_key_usage (api_key_id, route, endpoint, method, status_code, created_at)
    select $1, nullif($2, ''), '/x', 'GET', status, now() - $4 * interval '1 day' from unnest($3::int[]) as status`, [keyId, route, statuses, daysAgo])
}
