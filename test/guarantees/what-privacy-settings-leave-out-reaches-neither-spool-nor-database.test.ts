import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type pg from 'pg'
import t, { type Test } from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { usageBooks } from '../support/scrape.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const clients = [
  { address: '203.0.113.77', truncated: '203.0.113.0', userAgent: 'acme-app/3.14 (serial 00417711)', shortened: 'acme-app/3', path: '/people/ada-lovelace' },
  { address: '2001:db8:aaaa:bbbb::77', truncated: '2001:db8:aaaa::', userAgent: 'grace@example.com', shortened: null, path: '/people/grace/hopper?of=navy' },
]

interface Seen {
  /** All that stood in files of the data folder while the database was away. */
  readonly files: string
  /** All tables, as text. */
  readonly tables: string
  readonly rows: { readonly ip_address: string | null, readonly user_agent: string | null, readonly endpoint: string }[]
}

/** Sends the clients' requests while the database is away, looks at what is on disk, and at what is in the database after. */
async function look (t: Test, privacy: string, database: TestDatabase): Promise<Seen> {
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const upstream = await startUpstream(t)
  const { url, headers, gateway } = await startFront(t, upstream.url, {
    database,
    databaseUrl: proxy.through(database.url),
    sections: `gateway: { trustProxy: [127.0.0.1] }\nusage: { flushEvery: 50ms${privacy} }`,
    routes: ["id: people, path: '/people/*', scopes: []"],
  })
  await send(`${url}/first`, { headers: { ...headers, 'x-forwarded-for': '198.51.100.1', 'user-agent': 'first/1' } })
  await until(async () => (await usageBooks(gateway.adminUrl)).written === 1, 'the key is cached, and usage is written')

  proxy.stall()
  for (const { address, userAgent, path } of clients) {
    const { status } = await send(url + path, { headers: { ...headers, 'x-forwarded-for': address, 'user-agent': userAgent } })
    t.equal(status, 200)
  }
  await until(async () => (await usageBooks(gateway.adminUrl)).spooled === clients.length, 'they are on disk')
  const files = textBelow(path.join(path.dirname(gateway.configFile), 'data'))
  proxy.reset()
  await proxy.resume()
  await until(async () => (await usageBooks(gateway.adminUrl)).written === 1 + clients.length, 'they are written', { timeoutMs: 60_000 })
  const { rows } = await database.pool.query<Seen['rows'][number]>("select host(ip_address) as ip_address, user_agent, endpoint from api_key_usage where route = 'people' order by id")
  return { files: files + textBelow(path.join(path.dirname(gateway.configFile), 'data')), tables: await textOfTables(database.pool), rows }
}

t.test('by default all is kept', async t => {
  const database = await createDatabase(t)
  const { files, tables, rows } = await look(t, '', database)
  t.same(rows, clients.map(client => ({ ip_address: client.address, user_agent: client.userAgent, endpoint: client.path.split('?')[0] })))
  for (const { address, userAgent } of clients) {
    t.ok(files.includes(address) && files.includes(userAgent), 'on disk')
    t.ok(tables.includes(address) && tables.includes(userAgent), 'and in the database')
  }

  const statement = /```sql\n(update api_key_usage set[^]*?)```/.exec(readFileSync(path.join(import.meta.dirname, '../../docs/usage.md'), 'utf8'))![1]!
  await database.pool.query(statement)
  const { rows: changed } = await database.pool.query("select ip_address, user_agent from api_key_usage where route = 'people' order by id")
  t.same(changed, clients.map(client => ({ ip_address: client.truncated, user_agent: null })), 'and can be left out later, as docs/usage.md says')
})

t.test('truncated addresses, shortened user agents and paths of routes', async t => {
  const { files, tables, rows } = await look(t, ', addresses: truncated, userAgents: shortened, paths: routePattern', await createDatabase(t))
  t.same(rows, clients.map(client => ({ ip_address: client.truncated, user_agent: client.shortened, endpoint: '/people/*' })))
  holdsNothing(t, files, tables)
})

t.test('no addresses and no user agents', async t => {
  const { files, tables, rows } = await look(t, ', addresses: dropped, userAgents: dropped, paths: routePattern', await createDatabase(t))
  t.same(rows, clients.map(() => ({ ip_address: null, user_agent: null, endpoint: '/people/*' })))
  holdsNothing(t, files, tables)
  for (const text of ['203.0.113', '2001:db8', 'acme-app']) t.notOk(files.includes(text) || tables.includes(text), text)
})

function holdsNothing (t: Test, files: string, tables: string): void {
  for (const text of [...clients.flatMap(({ address, userAgent }) => [address, userAgent]), '00417711', 'grace', 'aaaa:bbbb', 'lovelace', 'hopper', 'navy']) {
    t.notOk(files.includes(text), `nothing on disk holds ${text}`)
    t.notOk(tables.includes(text), `nothing in the database holds ${text}`)
  }
}

function textBelow (folder: string): string {
  if (!existsSync(folder)) return ''
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => path.join(folder, name)).filter(file => statSync(file, { throwIfNoEntry: false })?.isFile())
  return files.map(file => existsSync(file) ? readFileSync(file, 'latin1') : '').join('\n')
}

async function textOfTables (pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ text: string }>(`
    select query_to_xml(format('select t::text from %I.%I as t', table_schema, table_name), true, true, '')::text as text
    from information_schema.tables where table_schema in ('public', 'latchkey')`)
  return rows.map(({ text }) => text).join('\n')
}
