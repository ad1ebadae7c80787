import pg from 'pg'
import t from 'tap'
import { exportPages } from '../../../src/usage/export/pages.ts'
import { everything } from '../../../src/usage/export/filter.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createRole, gatewayGrants } from '../../support/role.ts'
import { createKeys } from '../support.ts'
import { exported, insertRows, settled } from './support.ts'

const { pool } = await createDatabase(t)
const [first, second] = await createKeys(pool, 2) as [number, number]
await insertRows(pool, [first, second], 1_000)
const { rows: [{ user_id: userId }] } = await pool.query('select user_id::text from api_keys limit 1')
const { rows } = await exported(pool)

t.test('every row once, in the order of arrival, with what names its key', async t => {
  t.equal(rows.length, 1_000)
  t.strictSame(rows.map(({ id }) => id), rows.map(({ id }) => id).sort((a, b) => a - b))
  const { createdAt, id, ...row } = rows[9]!
  t.type(createdAt, Date)
  t.strictSame(row, {
    keyId: first,
    keyPrefix: 'sk_test_0000',
    userId,
    route: 'read',
    endpoint: '/inventory/10',
    method: 'GET',
    status: 404,
    ipAddress: '192.0.2.1',
    userAgent: 'curl/8',
    responseTimeMs: 10,
    requestBytes: 0,
    responseBytes: 10,
    requestId: 'request-10',
  })
})

t.test('pages of any size give the same', async t => {
  for (const pageRowsMax of [1, 7, 100, 999, 1_000, 1_001]) {
    const again = await exported(pool, { pageRowsMax })
    t.strictSame(again.rows, rows, `${pageRowsMax} rows a page`)
    t.ok(again.pages >= 1_000 / pageRowsMax)
  }
})

t.test('it goes on behind a cursor, and ends at the last row that is settled', async t => {
  t.strictSame((await exported(pool, { afterId: rows[299]!.id, settledId: rows[599]!.id })).rows, rows.slice(300, 600))
  t.strictSame(await exported(pool, { afterId: rows[999]!.id }), { rows: [], cursor: rows[999]!.id, pages: 0 })
})

t.test('a number of rows at most, and the cursor behind them', async t => {
  const some = await exported(pool, { rowsMax: 250, pageRowsMax: 100 })
  t.strictSame(some.rows, rows.slice(0, 250))
  t.equal(some.cursor, rows[249]!.id)
})

const half = rows[499]!.createdAt!
const filters = {
  from: [{ from: half }, (row: typeof rows[0]) => row.createdAt! >= half],
  until: [{ until: half }, (row: typeof rows[0]) => row.createdAt! < half],
  key: [{ keyId: second }, (row: typeof rows[0]) => row.keyId === second],
  user: [{ userId }, () => true],
  'another user': [{ userId: '00000000-0000-4000-8000-000000000000' }, () => false],
  route: [{ route: 'write' }, (row: typeof rows[0]) => row.route === 'write'],
  status: [{ status: { least: 404, most: 404 } }, (row: typeof rows[0]) => row.status === 404],
  'class of status': [{ status: { least: 500, most: 599 } }, (row: typeof rows[0]) => row.status === 503],
  all: [{ from: half, keyId: first, userId, route: 'read', status: { least: 200, most: 499 } }, (row: typeof rows[0]) => row.createdAt! >= half && row.keyId === first && row.route === 'read' && row.status !== 503],
} as const
for (const [name, [filter, matches]] of Object.entries(filters)) {
  t.test(`filtered by ${name}`, async t => {
    const { rows: found, cursor } = await exported(pool, { filter: { ...everything, ...filter }, pageRowsMax: 20 })
    t.strictSame(found, rows.filter(matches))
    t.equal(cursor, rows[999]!.id, 'the cursor is behind all that was looked at')
  })
}

t.test('nothing is read ahead of a reader', async t => {
  let queries = 0
  pool.on('acquire', () => queries++)
  const pages = exportPages(pool, { afterId: 0, settledId: await settled(pool), pageRowsMax: 10 })
  queries = 0
  for (let page = 1; page <= 5; page++) {
    await pages.next()
    await new Promise(resolve => setImmediate(resolve))
    // The first asks whether rows are hidden.
    t.equal(queries, page + 1, `page ${page}`)
  }
  await pages.return(undefined)
  t.equal(pool.totalCount, pool.idleCount, 'between pages and behind them it holds no connection')
  t.equal(pool.waitingCount, 0)
})

t.test('a query that takes too long looks at fewer rows', async t => {
  const { pool: slow } = await createDatabase(t)
  const [key] = await createKeys(slow, 1) as [number]
  await insertRows(slow, [key], 60)
  // As long as a row of a far larger table: 20 ms each.
  await slow.query(`
    create function public.slowly (inet) returns boolean language plpgsql stable cost 1e9 as 'begin perform pg_sleep(0.02); return true; end';
    alter table public.api_key_usage rename to all_usage;
    create view public.api_key_usage as select * from public.all_usage where public.slowly(ip_address)`)
  const { rows } = await slow.query('select max(id) as last from public.all_usage')
  const { rows: found } = await exported(slow, { settledId: Number(rows[0].last), pageRowsMax: 10, timeoutMs: 800, filter: { ...everything, status: { least: 404, most: 404 } } })
  t.equal(found.length, 6)
})

t.test('far apart ids cost few queries', async t => {
  const { pool: sparse } = await createDatabase(t)
  const [key] = await createKeys(sparse, 1) as [number]
  await sparse.query('alter table api_key_usage alter column id type bigint; alter sequence api_key_usage_id_seq as bigint')
  await sparse.query("insert into api_key_usage (id, api_key_id, endpoint, method, created_at) select (10 ^ n)::bigint, $1, '/x', 'GET', now() from generate_series(0, 15) as n", [key])
  const { rows, pages } = await exported(sparse, { settledId: 10 ** 15 })
  t.strictSame(rows.map(({ id }) => id), Array.from({ length: 16 }, (_, n) => 10 ** n))
  t.ok(pages < 30, `${pages} pages`)
})

t.test('nothing is exported for a role that is not shown every row', async t => {
  const { url, pool } = await createDatabase(t)
  const role = await createRole(t, { url, pool })
  await pool.query(gatewayGrants(role.name))
  const theirs = new pg.Pool({ connectionString: role.url, max: 1 })
  // Its database may be dropped while a connection is still closing.
  theirs.on('error', () => {})
  try {
    await t.rejects(exported(theirs, { settledId: 100 }), { name: 'RowsHiddenError' })
  } finally {
    await theirs.end()
  }
})
