import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { EarlierUses, type EarlierUsesOptions } from '../../src/keys/earlier-uses.ts'
import { listenForKeys } from '../database/listening.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { insertKey, newKey, openShared } from './support.ts'

const { database } = await openShared(t)

async function open (t: Test, { url = database.url, ...options }: Partial<EarlierUsesOptions> & { readonly url?: string } = {}) {
  const logs: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => { logs.push(line) } })
  const pool = createPool({ connectionString: url, applicationName: 'latchkey-test', connectionsMax: 2, queryTimeoutMs: 2_000, connectTimeoutMs: 1_000, logger: pino({ level: 'silent' }) })
  let queries = 0
  pool.on('acquire', () => { queries++ })
  const uses = new EarlierUses({ pool, keptOf: (text) => text, logger, ...options })
  t.teardown(async () => {
    await uses.close({ timeoutMs: 0 })
    await pool.endWithin(1_000)
  })
  return { uses, logs, queries: () => queries }
}

/** An earlier secret, as `record` takes it, and what its row says of its last use. */
async function addSecret () {
  const { id } = await insertKey(database)
  const { rows: [row] } = await database.pool.query<{ id: string }>(`
    insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at)
    values ($1, 'hash', 'sk_live', now() + interval '1 hour') returning id`, [id])
  const grace = { id: Number(row!.id), sinceMs: 0, endsAtMs: Infinity }
  const lastUse = async () => {
    const { rows: [use] } = await database.pool.query<{ last_used_at: Date | null, last_user_agent: string | null }>(
      'select last_used_at, last_user_agent from latchkey.earlier_secrets where id = $1', [grace.id])
    return { atMs: use?.last_used_at?.getTime(), userAgent: use?.last_user_agent }
  }
  return { grace, lastUse, isAt: async (atMs: number) => (await lastUse()).atMs === atMs }
}

t.test('the first use is written at once, later ones together, the last one always', async (t) => {
  const { uses, queries } = await open(t, { pauseMs: 300 })
  const { grace, lastUse, isAt } = await addSecret()
  const other = await addSecret()
  uses.record(grace, 1_000, 'first/1')
  await until(async () => await isAt(1_000), 'the first use is written')
  const before = queries()
  for (let n = 1; n <= 100; n++) uses.record(grace, 1_000 + n, `later/${n}`)
  uses.record(grace, 1_050, 'too late, and of the past')
  uses.record(other.grace, 7_000, null)
  await until(async () => await other.isAt(7_000), 'another secret doesn\'t wait for it')
  await until(async () => await isAt(1_100), 'the last use is written')
  t.same(await lastUse(), { atMs: 1_100, userAgent: 'later/100' })
  t.same(await other.lastUse(), { atMs: 7_000, userAgent: null })
  t.ok(queries() - before <= 2, 'a hundred uses cost one write')
})

t.test('a later use that another process has written stays', async (t) => {
  const { uses } = await open(t)
  const { grace, lastUse, isAt } = await addSecret()
  const other = await open(t)
  other.uses.record(grace, 5_000, 'newer')
  await until(async () => await isAt(5_000), 'the other has written it')
  uses.record(grace, 4_000, 'older')
  await uses.close({ timeoutMs: 5_000 })
  t.same(await lastUse(), { atMs: 5_000, userAgent: 'newer' })
})

t.test('what waits is written when it is closed', async (t) => {
  const { uses } = await open(t)
  const { grace, lastUse, isAt } = await addSecret()
  uses.record(grace, 1_000, null)
  await until(async () => await isAt(1_000), 'the first use is written')
  uses.record(grace, 2_000, 'last')
  await uses.close({ timeoutMs: 5_000 })
  t.same(await lastUse(), { atMs: 2_000, userAgent: 'last' })
})

t.test('a user agent is stored without keys and control characters, short, and as far as it may be', async (t) => {
  const key = newKey()
  const sent: [sent: string | null, stored: string | null, keptOf?: (text: string) => string | null][] = [
    [`curl/8 ${key}`, `curl/8 ${key.slice(0, 12)}…`],
    [`curl/8 ${key.slice(0, 20)}\0${key.slice(20)}`, `curl/8 ${key.slice(0, 12)}…`],
    ['a\0b\tc\x7fd\x85e', 'abcde'],
    ['x'.repeat(10_000), 'x'.repeat(256)],
    ['\u{1F511}'.repeat(300), '\u{1F511}'.repeat(256)],
    [null, null],
    ['curl/8.1', null, () => null],
    [`curl/8.1 ${key}`, `CURL/8.1 ${key.slice(0, 12).toUpperCase()}…`, (text) => text.toUpperCase()],
  ]
  for (const [userAgent, stored, keptOf] of sent) {
    const { uses } = await open(t, keptOf === undefined ? {} : { keptOf })
    const { grace, lastUse } = await addSecret()
    uses.record(grace, 1_000, userAgent)
    await uses.close({ timeoutMs: 5_000 })
    t.same(await lastUse(), { atMs: 1_000, userAgent: stored })
  }
})

t.test('a row that somebody holds is tried again, and holds up no other', async (t) => {
  const { uses } = await open(t, { pauseMs: 100 })
  const [held, free] = [await addSecret(), await addSecret()]
  const client = await database.pool.connect()
  await client.query('begin')
  await client.query('select from latchkey.earlier_secrets where id = $1 for update', [held.grace.id])
  uses.record(held.grace, 1_000, null)
  uses.record(free.grace, 2_000, null)
  await until(async () => await free.isAt(2_000), 'the other is written')
  t.equal((await held.lastUse()).atMs, undefined)
  await client.query('commit')
  client.release()
  await until(async () => await held.isAt(1_000), 'and now the one that was held')
  t.pass()
})

t.test('an outage is logged once, and what it held up is written after it', async (t) => {
  const proxy = await proxyTo(database.url)
  const { uses, logs, queries } = await open(t, { url: proxy.through(database.url), pauseMs: 50 })
  t.teardown(() => proxy.close())
  const { grace, isAt } = await addSecret()
  await proxy.cut()
  uses.record(grace, 1_000, null)
  await until(() => logs.length > 0, 'it failed')
  const before = queries()
  uses.record(grace, 2_000, null)
  await proxy.resume()
  await until(async () => await isAt(2_000), 'it is written')
  t.ok(queries() > before)
  t.equal(logs.length, 1)
})

t.test('it holds no more secrets than it may, and counts what it leaves out', async (t) => {
  const { uses } = await open(t, { secretsMax: 1, pauseMs: 50 })
  const [first, second] = [await addSecret(), await addSecret()]
  uses.record(first.grace, 1_000, null)
  uses.record(second.grace, 1_000, null)
  uses.record(first.grace, 2_000, null)
  t.equal(uses.notTaken, 1)
  await until(async () => await first.isAt(2_000), 'the first is written')
  let atMs = 3_000
  await until(async () => {
    uses.record(second.grace, atMs++, null)
    return (await second.lastUse()).atMs !== undefined
  }, 'what was written makes room')
})

t.test('it notifies nobody, and a row that is gone is no matter', async (t) => {
  const notified = await listenForKeys(t, database.url)
  const { uses, logs } = await open(t)
  const { grace, isAt } = await addSecret()
  await notified()
  uses.record(grace, 1_000, 'curl/8')
  uses.record({ ...grace, id: 1_000_000 }, 1_000, null)
  await until(async () => await isAt(1_000), 'it is written')
  await uses.close({ timeoutMs: 5_000 })
  t.same(await notified(), [])
  t.same(logs, [])
})
