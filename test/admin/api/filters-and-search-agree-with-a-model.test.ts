import fc from 'fast-check'
import t from 'tap'
import { holds } from '../../properties/property.ts'
import { type ApiKeyJson, listAll, startApi } from './support.ts'

// What GET /v1/keys finds, beside a plain filter over all keys.

const api = await startApi(t)
const { pool } = api.gateway.database
const emails = ['ada@example.com', 'Grace.Hopper@Example.com', 'alan_turing@bletchley.test', '100%sure@x.test', 'ab@ab.test']
const names = ['Reports', 'reports of the night', 'İstanbul', 'STRASSE 100%', 'a_b', 'a-b', 'a\\b', "o'neil", 'sk_live_ in a name', 'x'.repeat(255), '😀 emoji', 'Production server number 42 of the warehouse']
const scopes = ['inventory:read', 'inventory:*', '*', 'tickets:read', 'a.b-c_d']
const prefixes = ['sk_live_a1B2', 'sk_live_A1b2', 'sk_test_a1B2', 'SK', 'old%_', 'sk_live_a1B2...', '']

const emailOf = new Map<string, string>()
for (const email of emails) {
  const { rows: [user] } = await pool.query<{ id: string }>('insert into auth.users (email) values ($1) returning id', [email])
  emailOf.set(user!.id, email)
}
const random = fc.sample(fc.record({
  user: fc.constantFrom(...emailOf.keys()),
  name: fc.constantFrom(...names),
  prefix: fc.constantFrom(...prefixes),
  scopes: fc.subarray(scopes),
  isActive: fc.boolean(),
  expires: fc.constantFrom(null, '2001-01-01', '2099-01-01', 'infinity', '-infinity'),
  revoked: fc.constantFrom(null, null, null, '2001-01-01'),
}), { numRuns: 300, seed: 7 })
for (const key of random) {
  await pool.query('insert into api_keys (user_id, key_hash, key_prefix, name, scopes, is_active, expires_at, revoked_at) values ($1, $2, $3, $4, $5, $6, $7, $8)',
    [key.user, 'x', key.prefix, key.name, key.scopes, key.isActive, key.expires, key.revoked])
}
const all = await listAll(api, { limit: 500 })
t.equal(all.length, random.length)
t.same(all.map(({ status }) => status), random.map(({ isActive, expires, revoked }) =>
  revoked !== null ? 'revoked' : !isActive ? 'disabled' : expires === '2001-01-01' || expires === '-infinity' ? 'expired' : 'active').reverse())

interface Asked { userId?: string, prefix?: string, scope?: string, status?: string, search?: string, limit?: number }

function isFound (key: ApiKeyJson, { userId, prefix, scope, status, search }: Asked): boolean {
  const email = emailOf.get(key.userId)!
  const wanted = (search ?? '').trim().toLowerCase()
  return (userId === undefined || userId.toLowerCase() === key.userId || userId.toLowerCase() === email.toLowerCase()) &&
    (prefix === undefined || key.prefix.startsWith(prefix)) &&
    (scope === undefined || key.scopes.includes(scope)) &&
    (status === undefined || key.status === status) &&
    (wanted === '' || [key.name, email].some(text => text.toLowerCase().includes(wanted)) || [key.prefix, key.userId].some(text => text.toLowerCase().startsWith(wanted)))
}

const partOf = (texts: readonly string[]) => fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(), fc.boolean()).map(([text, from, length, shouts]) => {
  // In whole characters.
  const characters = [...text]
  const start = from % characters.length
  const part = characters.slice(start, start + 1 + length % characters.length).join('')
  return shouts && !part.includes('ß') ? part.toUpperCase() : part
})
const userIds = [...emailOf.keys()]
const asked: fc.Arbitrary<Asked> = fc.record({
  userId: fc.constantFrom(...userIds, ...userIds.map(id => id.toUpperCase()), ...emails, ...emails.map(email => email.toUpperCase())),
  prefix: fc.constantFrom('sk_live_', 'sk_live_a1B2', 'sk', 'SK', 'old%', '%', '_', 'x'),
  scope: fc.constantFrom(...scopes, 'inventory', 'INVENTORY:READ', '{}'),
  status: fc.constantFrom('active', 'disabled', 'revoked', 'expired'),
  search: fc.oneof(partOf(names.filter(name => name !== 'İstanbul')), partOf(emails), partOf(userIds), fc.constantFrom('%', '_', 'sk_live_a1', 'SK_LIVE_', 'example.com', ' reports ', 'no such thing', '', 'Production server number 42')),
  limit: fc.constantFrom(3, 50, 500),
}, { requiredKeys: [] })

holds(t, 'filters and search, in every combination', 300, fc.asyncProperty(asked, async query => {
  const found = await listAll(api, query as Record<string, string | number>)
  const expected = all.filter(key => isFound(key, query))
  const [foundIds, expectedIds] = [found, expected].map(keys => keys.map(({ id }) => id).join())
  if (foundIds !== expectedIds) throw new Error(`found ${foundIds}, expected ${expectedIds}`)
}))

t.test('a key that somebody pastes is found by its prefix, and is not looked for itself', async t => {
  const { key, apiKey } = await api.create()
  t.same((await listAll(api, { search: key })).map(({ id }) => id), [apiKey.id])
  t.same((await listAll(api, { prefix: key })).map(({ id }) => id), [apiKey.id])
  t.notMatch(api.gateway.logs.join(''), key)
})
