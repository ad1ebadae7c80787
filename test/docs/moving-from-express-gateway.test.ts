import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'

const users = [
  { id: '7f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11', username: 'ada', email: 'ada@example.com', isActive: true },
  { id: '8a1d7a4f-8e1b-4054-ab6f-107e5d203c22', username: 'bob', isActive: true },
]
const apps = [{ id: '9b2e8b50-9f2c-4165-8c70-218f6e314d33', userId: users[0]?.id, name: 'reporting', isActive: 'true' }]
const credentials: Readonly<Record<string, readonly object[]>> = {
  [users[0]?.id ?? '']: [
    { type: 'basic-auth', isActive: true, scopes: '["orders:read"]' },
    { type: 'key-auth', keyId: '1fa4Y52SWEhii7CmYiMOcv', keySecret: '4ToXczFz0ZyCgLpgKIkyxA', scopes: '["orders:read"]', isActive: true },
  ],
  [users[1]?.id ?? '']: [{ type: 'key-auth', keyId: '5Kd8sPqWn1XyTzRb3LmVcH', keySecret: '0aBcDeFgHiJkLmNoPqRsTu', scopes: 'null', isActive: false }],
  [apps[0]?.id ?? '']: [{ type: 'key-auth', keyId: '0KHfY7vC4mZaGtW2nJxEeQ', keySecret: '6RwUoSiLyDpMbNqXkVzTfA', scopes: '["orders:read","orders:write"]', isActive: true }],
}

t.test('moving-from-express-gateway.md, done as it says beside a stand-in for it, shows what it says', async t => {
  const { url, pool } = await createDatabase(t)
  await followGuide(t, {
    page: 'moving-from-express-gateway.md',
    after: [{ page: 'getting-started.md', upTo: '## A gateway before it' }],
    env: { DATABASE_URL: url },
    ports: [3000, 8080, 8081, 9876],
    prepare: async ({ portOf }) => await startExpressGateway(t, portOf(9876)),
  })
  const { rows } = await pool.query('select u.email, k.name, k.scopes, k.is_active from api_keys as k join auth.users as u on u.id = k.user_id order by k.id')
  t.match(rows, [
    { email: 'ada@example.com', name: 'ada', scopes: ['orders:read'], is_active: true },
    { name: 'bob', scopes: [], is_active: false },
    { email: 'ada@example.com', name: 'reporting', scopes: ['orders:read', 'orders:write'], is_active: true },
  ], 'the key of an app is its user\'s')
})

/** Its admin API, as far as it lists users, apps and their credentials: one a page, as Redis scans. */
async function startExpressGateway (t: Pick<Test, 'teardown'>, port: number): Promise<void> {
  const gateway = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gateway')
    const [, kind = '', id = ''] = pathname.split('/')
    const start = Number(searchParams.get('start') ?? 0)
    const all = kind === 'users' ? users : apps
    const page = { [kind]: all.slice(start, start + 1), nextKey: start + 1 < all.length ? String(start + 1) : '0' }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(kind === 'credentials' ? { credentials: credentials[id] } : page))
  })
  await new Promise<void>(resolve => gateway.listen(port, '127.0.0.1', resolve))
  t.teardown(() => gateway.close())
}
