import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'

const consumers = [
  { id: '7f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11', username: 'ada', custom_id: 'ada@example.com', created_at: 1_700_000_000, tags: null },
  { id: '8a1d7a4f-8e1b-4054-ab6f-107e5d203c22', username: 'bob', custom_id: null, created_at: 1_700_000_000, tags: ['old'] },
  { id: '9b2e8b50-9f2c-4165-8c70-218f6e314d33', username: 'legacy-cron', custom_id: null, created_at: 1_700_000_000, tags: null },
]
const ofConsumer = (index: number): object => ({ id: consumers[index]?.id })
const entities: Readonly<Record<string, readonly object[]>> = {
  '/consumers': consumers,
  '/acls': [
    { id: 'a0000000-0000-4000-8000-000000000001', consumer: ofConsumer(0), group: 'Partners', created_at: 1_700_000_000, tags: null },
    { id: 'a0000000-0000-4000-8000-000000000002', consumer: ofConsumer(1), group: 'staff', created_at: 1_700_000_000, tags: null },
  ],
  '/key-auths': [
    { id: 'b0000000-0000-4000-8000-000000000001', consumer: ofConsumer(0), key: 'IL1deIyHyQA40WpeLeA1bIUXuvTwlGjo', created_at: 1_700_000_000, ttl: null, tags: null },
    { id: 'b0000000-0000-4000-8000-000000000002', consumer: ofConsumer(0), key: 'vQ2xR7tLwZ5nB8mC3kD9aYeGhJsTu4Pf', created_at: 1_700_000_000, ttl: 86_400, tags: null },
    { id: 'b0000000-0000-4000-8000-000000000003', consumer: ofConsumer(1), key: 'm8YcLr4Wq2Zx7Nv5Bt1KsHd9JfGp3EoU', created_at: 1_700_000_000, tags: null },
    { id: 'b0000000-0000-4000-8000-000000000004', consumer: ofConsumer(2), key: 'cron', created_at: 1_700_000_000, tags: null },
  ],
}

t.test('moving-from-kong.md, done as it says beside a stand-in for Kong, shows what it says', async t => {
  const { url, pool } = await createDatabase(t)
  await followGuide(t, {
    page: 'moving-from-kong.md',
    after: [{ page: 'getting-started.md', upTo: '## A gateway before it' }],
    env: { DATABASE_URL: url },
    ports: [3000, 8001, 8080, 8081],
    prepare: async ({ portOf }) => await startKong(t, portOf(8001)),
  })
  const { rows } = await pool.query(`
    select u.email, k.name, k.scopes, k.expires_at is not null as expires, k.latchkey_metadata ->> 'kongConsumer' as consumer
    from api_keys as k left join auth.users as u on u.id = k.user_id order by k.id`)
  t.match(rows, [
    { email: 'ada@example.com', name: 'ada', scopes: ['partners'], expires: false, consumer: consumers[0]?.id },
    { email: 'ada@example.com', name: 'ada', scopes: ['partners'], expires: true, consumer: consumers[0]?.id },
    { name: 'bob', scopes: ['staff'], expires: false, consumer: consumers[1]?.id },
  ])
})

/** Kong's admin API, as far as it lists entities: two a page, whatever size is asked for. */
async function startKong (t: Pick<Test, 'teardown'>, port: number): Promise<void> {
  const kong = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kong')
    const all = entities[pathname] ?? []
    const offset = Number(searchParams.get('offset') ?? 0)
    const next = offset + 2 < all.length ? `${pathname}?offset=${offset + 2}` : null
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: all.slice(offset, offset + 2), next }))
  })
  await new Promise<void>(resolve => kong.listen(port, '127.0.0.1', resolve))
  t.teardown(() => kong.close())
}
