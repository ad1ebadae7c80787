import t from 'tap'
import type { QueryResult } from 'pg'
import { adminToken, type ApiKeyJson, startApi } from '../admin/api/support.ts'

// 100,000 keys of 2,000 users: what the API's listing finds, by which plan, and how long that takes over HTTP.

const keyCount = 100_000
const userCount = 2_000
const calls = 7
const slowMs = 100

t.setTimeout(600_000)
const api = await startApi(t)
const { pool } = api.gateway.database

await pool.query(`
  insert into auth.users (email)
  select (array['ada', 'grace', 'alan', 'edsger', 'barbara', 'donald', 'margaret', 'linus'])[1 + n % 8] || '.' || n || '@' || (array['example.com', 'example.org', 'mail.test', 'corp.test'])[1 + n / 8 % 4]
  from generate_series(1, $1::int) as n`, [userCount])
await pool.query(`
  with users as (select array_agg(id order by md5(email)) as ids from auth.users)
  insert into api_keys (user_id, key_hash, key_prefix, name, description, scopes, environment, is_active, expires_at, revoked_at, created_at, last_used_at, latchkey_metadata)
  select ids[1 + n % $2::int], '$2b$10$' || rpad(md5(n::text), 53, 'x'),
    case when n % 10 = 0 then 'sk_test_' else 'sk_live_' end || left(md5(n::text), 4),
    (array['Production', 'Staging', 'Nightly reports', 'CI', 'Mobile app', 'Partner', 'Warehouse scanner'])[1 + n % 7] || ' ' || n || case when n = 77777 then ' zebra' else '' end,
    case when n % 3 = 0 then 'Made for ' || md5(n::text) end,
    case when n = 50000 then array['payouts:approve'] when n % 5 = 0 then array['inventory:read', 'inventory:write'] when n % 5 = 1 then array['tickets:*'] else array['inventory:read'] end,
    case when n % 10 = 0 then 'test' else 'live' end,
    n % 20 <> 3, case when n % 50 = 7 then now() - interval '1 day' when n % 4 = 0 then now() + interval '90 days' end,
    case when n % 1000 = 11 then now() - interval '2 days' end,
    now() - (($1::int - n) || ' minutes')::interval, case when n % 2 = 0 then now() - (n || ' seconds')::interval end,
    case when n % 6 = 0 then '{"plan": "free"}'::jsonb end
  from generate_series(1, $1::int) as n, users`, [keyCount, userCount])
await pool.query('analyze')

const { rows: all } = await pool.query<{ id: number, user_id: string, email: string, key_prefix: string, name: string, scopes: string[], status: string }>(`
  select k.id, user_id::text, email, key_prefix, name, scopes,
    case when revoked_at is not null then 'revoked' when not is_active then 'disabled' when expires_at <= now() then 'expired' else 'active' end as status
  from api_keys as k join auth.users as u on u.id = k.user_id order by k.id desc`)
t.equal(all.length, keyCount)
const someone = all[4_321]!

type Row = typeof all[number]
const holdsText = (text: string) => ({ name, email, key_prefix: prefix, user_id: id }: Row) => [name, email].some(one => one.toLowerCase().includes(text)) || [prefix, id].some(one => one.toLowerCase().startsWith(text))
const cases: [what: string, query: string, isFound: (row: Row) => boolean][] = [
  ['the first page', '', () => true],
  ['a deep page', `cursor=${all[90_000]!.id}`, ({ id }) => id < all[90_000]!.id],
  ['a page of 500', 'limit=500', () => true],
  ['a user, by id', `userId=${someone.user_id}`, row => row.user_id === someone.user_id],
  ['a user, by email', `userId=${someone.email}`, row => row.user_id === someone.user_id],
  ['a user without keys', 'userId=00000000-0000-4000-8000-000000000000', () => false],
  ['a common prefix', 'prefix=sk_live_', ({ key_prefix: prefix }) => prefix.startsWith('sk_live_')],
  ['a rare prefix', `prefix=${someone.key_prefix}`, ({ key_prefix: prefix }) => prefix === someone.key_prefix],
  ['no such prefix', 'prefix=sk_live_zzzz', () => false],
  ['a common scope', 'scope=inventory:read', ({ scopes }) => scopes.includes('inventory:read')],
  ['a rare scope', 'scope=payouts:approve', ({ scopes }) => scopes.includes('payouts:approve')],
  ['no such scope', 'scope=nothing', () => false],
  ['active', 'status=active', ({ status }) => status === 'active'],
  ['disabled', 'status=disabled', ({ status }) => status === 'disabled'],
  ['expired', 'status=expired', ({ status }) => status === 'expired'],
  ['revoked', 'status=revoked', ({ status }) => status === 'revoked'],
  ['search: common in names', 'search=production', holdsText('production')],
  ['search: one name', 'search=zebra', holdsText('zebra')],
  ['search: nothing', 'search=no such thing', () => false],
  ['search: one email', `search=${someone.email}`, holdsText(someone.email)],
  ['search: all emails of a domain', 'search=example.com', holdsText('example.com')],
  ['search: every email', 'search=@', holdsText('@')],
  ['search: a prefix', `search=${someone.key_prefix}`, holdsText(someone.key_prefix)],
  ['search: a user id', `search=${someone.user_id}`, holdsText(someone.user_id)],
  ['search: one letter', 'search=e', holdsText('e')],
  ['search and filters: common', 'search=production&status=active&scope=inventory:read', row => holdsText('production')(row) && row.status === 'active' && row.scopes.includes('inventory:read')],
  ['search and filters: rare', 'search=production&status=revoked', row => holdsText('production')(row) && row.status === 'revoked'],
  ['search and filters: nothing', 'search=zebra&status=revoked&scope=tickets:*', () => false],
  ['search and filters: a domain', 'search=corp.test&status=expired', row => holdsText('corp.test')(row) && row.status === 'expired'],
]

/** What the listing asks Postgres, as its own connections would: seen by auto_explain's like, EXPLAIN. */
async function planOf (query: string): Promise<string> {
  const asked: { text: string, values: unknown[] }[] = []
  const { KeyManager } = await import('../../src/keys/manager.ts')
  const watching = {
    query: async (text: string, values: unknown[]) => {
      if (text.includes('from public.api_keys')) asked.push({ text, values })
      return await pool.query(text, values)
    }
  }
  const { userId, cursor, limit = '50', ...filter } = Object.fromEntries(new URLSearchParams(query)) as Record<string, string>
  const manager = new KeyManager({ pool: watching } as unknown as ConstructorParameters<typeof KeyManager>[0])
  await manager.list({ ...filter, user: userId, limit: Number(limit), order: 'newest', afterId: cursor === undefined ? undefined : Number(cursor) })
  const { text, values } = asked.at(-1)!
  const { rows }: QueryResult<{ 'QUERY PLAN': string }> = await pool.query(`explain (analyze, buffers) ${text}`, values)
  return rows.map(row => row['QUERY PLAN']).join('\n')
}

const slow: string[] = []
for (const [what, query, isFound] of cases) {
  t.test(what, async t => {
    const limit = Number(new URLSearchParams(query).get('limit') ?? 50)
    const expected = all.filter(isFound)
    const tookMs: number[] = []
    let data: ApiKeyJson[] = []
    for (let i = 0; i < calls; i++) {
      const startedMs = performance.now()
      const response = await fetch(`${api.url}/v1/keys?${query}`, { headers: { authorization: `Bearer ${adminToken}` } })
      const body = await response.json() as { data: ApiKeyJson[], nextCursor: string | null }
      tookMs.push(performance.now() - startedMs)
      data = body.data
      t.equal(body.nextCursor === null, expected.length <= limit)
    }
    t.same(data.map(({ id }) => id), expected.slice(0, limit).map(({ id }) => id))
    tookMs.sort((one, other) => one - other)
    const medianMs = tookMs[calls >> 1]!
    if (medianMs > slowMs) slow.push(`${what}: ${medianMs.toFixed(0)} ms`)
    t.comment(`${what}: median ${medianMs.toFixed(1)} ms, most ${tookMs.at(-1)!.toFixed(1)} ms, of ${expected.length} keys\n${await planOf(query)}`)
  })
}

t.test('what takes long', async t => {
  t.comment(slow.length === 0 ? `nothing takes longer than ${slowMs} ms` : slow.join('\n'))
  t.pass('this test reports')
})
