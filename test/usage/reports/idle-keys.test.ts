import t from 'tap'
import { idleKeys } from '../../../src/usage/reports/idle-keys.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createKeys } from '../support.ts'

const { pool } = await createDatabase(t)
const dayMs = 86_400_000
const since = new Date(Date.now() - 30 * dayMs)
const long = "now() - interval '31 days'"
const lately = "now() - interval '29 days'"

const kinds = {
  'used long ago': { set: `created_at = ${long}, last_used_at = ${long}`, isIdle: true },
  'used lately': { set: `created_at = ${long}, last_used_at = ${lately}`, isIdle: false },
  'never used, made long ago': { set: `created_at = ${long}`, isIdle: true },
  'never used, made lately': { set: `created_at = ${lately}`, isIdle: false },
  'never used, made nobody knows when': { set: 'created_at = null', isIdle: true },
  'used lately, made nobody knows when': { set: `created_at = null, last_used_at = ${lately}`, isIdle: false },
  disabled: { set: `created_at = ${long}, is_active = false`, isIdle: false },
  'disabled by NULL': { set: `created_at = ${long}, is_active = null`, isIdle: false },
  revoked: { set: `created_at = ${long}, revoked_at = now()`, isIdle: false },
  expired: { set: `created_at = ${long}, expires_at = now()`, isIdle: false },
  'expires one day': { set: `created_at = ${long}, expires_at = now() + interval '1 day'`, isIdle: true },
} as const

await pool.query('alter table api_keys alter column created_at drop not null, alter column is_active drop not null')
const ids = await createKeys(pool, Object.keys(kinds).length)
for (const [index, { set }] of Object.values(kinds).entries()) await pool.query(`update api_keys set ${set} where id = $1`, [ids[index]])
const idle = ids.filter((_, index) => Object.values(kinds)[index]!.isIdle)

t.test('as long as usage is not known for all of the time, a key that was never used is not told to be idle', async t => {
  const usedLongAgo = [ids[0]]
  const { data, period } = await idleKeys(pool, { since })
  t.strictSame(data.map(({ id }) => id), usedLongAgo)
  t.strictSame([period.knownFrom, period.isKnown], [null, false])
  await use(29)
  const later = await idleKeys(pool, { since })
  t.strictSame(later.data.map(({ id }) => id), usedLongAgo)
  t.ok(later.period.knownFrom! > since)
  t.equal(later.period.isKnown, false)
  // For the tests to come.
  await use(31)
})

t.test('keys in force that were neither used nor made since', async t => {
  const { data, nextCursor, period } = await idleKeys(pool, { since })
  for (const [index, [kind, { isIdle }]] of Object.entries(kinds).entries()) t.equal(data.some(({ id }) => id === ids[index]), isIdle, kind)
  t.equal(nextCursor, null)
  t.equal(period.isKnown, true)
  t.match(data[0], { id: idle[0], prefix: 'sk_test_0000', name: 'test 1', userId: /^[0-9a-f-]{36}$/, scopes: [], createdAt: Date, lastUsedAt: Date })
  t.strictSame(Object.keys(data[0]!).sort(), ['createdAt', 'id', 'lastUsedAt', 'name', 'prefix', 'scopes', 'userId'], 'and no hash')
})

t.test('a page at a time', async t => {
  const found: number[] = []
  for (let afterId = 0; ;) {
    const { data, nextCursor } = await idleKeys(pool, { since, limit: 1, afterId })
    found.push(...data.map(({ id }) => id))
    if (nextCursor === null) break
    afterId = Number(nextCursor)
  }
  t.strictSame(found, idle)
})

t.test("one user's", async t => {
  const [other] = await createKeys(pool, 1) as [number]
  await pool.query(`update api_keys set created_at = ${long} where id = $1`, [other])
  const { rows: [{ user_id: userId }] } = await pool.query('select user_id::text from api_keys where id = $1', [other])
  t.strictSame((await idleKeys(pool, { since, userId })).data.map(({ id }) => id), [other])
})

async function use (daysAgo: number): Promise<void> {
  await pool.query("insert into api_key_usage (api_key_id, endpoint, method, created_at) values ($1, '/x', 'GET', now() - $2 * interval '1 day')", [ids[0], daysAgo])
}
