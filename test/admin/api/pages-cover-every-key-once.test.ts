import t from 'tap'
import { listAll, startApi } from './support.ts'

const api = await startApi(t)
const { pool } = api.gateway.database

/** Straight on the database: many, and quickly. */
async function insertKeys (count: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(`
    insert into api_keys (user_id, key_hash, key_prefix, name)
    select $1, 'x', 'sk_live_' || left(md5(n::text), 4), 'key ' || n from generate_series(1, $2::int) as n returning id`, [owner, count])
  return rows.map(({ id }) => id)
}

const { apiKey: { userId: owner, id: first } } = await api.create()

t.test('pages cover all keys exactly once, the newest first, whatever their size', async t => {
  const all = [...(await insertKeys(23)).reverse(), first]
  for (const limit of [1, 2, 23, 24, 25, 500]) t.same((await listAll(api, { limit })).map(({ id }) => id), all, `${limit} a page`)
  const { body: exact } = await api.call('GET', '/v1/keys?limit=24')
  t.equal(exact.nextCursor, null, 'no page comes behind the last one')
  t.equal((await api.call('GET', `/v1/keys?cursor=${first}`)).body.data.length, 0)
})

t.test('without a limit, fifty', async t => {
  await insertKeys(60)
  t.equal((await api.call('GET', '/v1/keys')).body.data.length, 50)
})

t.test('keys made and deleted meanwhile are in nobody\'s way', async t => {
  const before = new Set((await listAll(api, { limit: 500 })).map(({ id }) => id))
  const deleted = new Set<number>()
  const made: number[] = []
  const found = await listAll(api, { limit: 7 }, async () => {
    made.push(...await insertKeys(3))
    // Any, those of the pages to come and of those that were, too.
    const left = [...before].filter(id => !deleted.has(id))
    const victim = left[(deleted.size * 7_919) % left.length]!
    t.equal((await api.call('DELETE', `/v1/keys/${victim}`)).status, 204)
    deleted.add(victim)
  })
  const ids = found.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'none twice')
  t.same([...ids].sort((a, b) => b - a), ids)
  t.same([...before].filter(id => !ids.includes(id) && !deleted.has(id)), [], 'none is missing')
  t.same(ids.filter(id => made.includes(id)), [], 'what is new comes before the first page')
})

t.test('the log has pages as well', async t => {
  const { rows } = await pool.query<{ id: string }>('select id::text from latchkey.audit as a order by a.id desc')
  const found: string[] = []
  let cursor: string | null = null
  do {
    const { body }: { body: { data: { id: string }[], nextCursor: string | null } } = await api.call('GET', `/v1/audit?limit=50${cursor === null ? '' : `&cursor=${cursor}`}`)
    found.push(...body.data.map(({ id }) => id))
    cursor = body.nextCursor
  } while (cursor !== null)
  t.same(found, rows.map(({ id }) => id))
})
