import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'

const malformed = 'sk_live_junk'
const unknown = () => generateKey({ brand: 'sk', environment: 'live' })
const failureBudget = 'failureBudget: { failures: 5, per: 1h }'

t.test('invalid keys are budgeted by address', async t => {
  const upstream = await startUpstream(t)
  const { url, gateway, headers } = await startFront(t, upstream.url, {
    sections: `gateway: { trustProxy: [127.0.0.1], ${failureBudget} }`,
    routes: ["id: report, path: '/report', auth: report", "id: public, path: '/public', auth: none"],
  })
  const from = async (address: string, key?: string, path = '/') =>
    await send(`${url}${path}`, { headers: { 'x-forwarded-for': address, ...key === undefined ? {} : { 'x-api-key': key } } })
  const codesOf = async (address: string, keys: readonly string[], path?: string) => {
    const codes: string[] = []
    for (const key of keys) codes.push((await from(address, key, path)).code ?? 'none')
    return codes
  }
  const spend = async (address: string) => { await codesOf(address, Array(5).fill(malformed)) }
  const good = headers['x-api-key']

  t.test('beyond the budget they get 429, and when to come back', async t => {
    t.same(await codesOf('192.0.2.1', [malformed, unknown(), 'x', unknown(), malformed, malformed, unknown(), malformed]),
      ['invalid_key', 'invalid_key', 'invalid_key', 'invalid_key', 'invalid_key', 'too_many_failures', 'too_many_failures', 'too_many_failures'])
    const answer = await from('192.0.2.1', malformed)
    t.equal(answer.status, 429)
    t.equal(answer.headers['content-type'], 'application/problem+json')
    t.equal(answer.headers['www-authenticate'], undefined)
    const seconds = Number(answer.headers['retry-after'])
    t.ok(seconds > 0 && seconds <= 720, `${seconds} s`)
    t.equal(answer.headers['ratelimit-policy'], '"failures";q=5;w=3600')
    t.equal(answer.headers.ratelimit, `"failures";r=0;t=${seconds}`)
    t.same(await codesOf('192.0.2.2', [malformed]), ['invalid_key'], 'another address has its own')
  })

  t.test('what else is wrong is told as ever, and costs nothing', async t => {
    const { key: revoked, apiKey } = await gateway.createKey()
    await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [apiKey.id])
    const { key: scopeless } = await gateway.createKey()
    for (const address of ['192.0.2.1', '192.0.2.3']) {
      for (let i = 0; i < 8; i++) {
        t.equal((await from(address)).code, 'missing_key')
        t.equal((await from(address, revoked)).code, 'key_revoked')
        t.equal((await from(address, scopeless)).code, 'insufficient_scope')
        t.equal((await from(address, undefined, '/public')).status, 200)
      }
    }
    t.equal((await from('192.0.2.3', malformed)).code, 'invalid_key')
  })

  t.test('good keys of the same address go on, also at their first use', async t => {
    t.equal((await from('192.0.2.1', good)).status, 200)
    for (let i = 0; i < 3; i++) {
      const { key } = await gateway.createKey({ scopes: ['all:use'] })
      t.equal((await from('192.0.2.1', key)).status, 200)
    }
    t.equal((await from('192.0.2.1', unknown())).code, 'too_many_failures', 'but what was looked up and isn\'t known is refused')
  })

  t.test('an IPv6 /64 is one address', async t => {
    await spend('2001:db8:1:2::1')
    for (const same of ['2001:db8:1:2::2', '2001:db8:1:2:ffff:ffff:ffff:ffff']) t.same(await codesOf(same, [malformed, unknown()]), ['too_many_failures', 'too_many_failures'], same)
    for (const other of ['2001:db8:1:3::1', '2001:db8:1:1::1']) t.same(await codesOf(other, [malformed]), ['invalid_key'], other)
    t.same(await codesOf('::ffff:192.0.2.1', [malformed]), ['too_many_failures'], 'IPv4 in its mapped form')
  })

  t.test('with auth: report nobody gets 429, and junk costs nothing', async t => {
    t.same(await codesOf('192.0.2.4', Array(20).fill(malformed), '/report'), Array(20).fill('none'))
    t.same(await codesOf('192.0.2.4', [malformed]), ['invalid_key'])
    t.same(await codesOf('192.0.2.1', [malformed, unknown()], '/report'), ['none', 'none'])
    t.same(await codesOf('192.0.2.5', Array.from({ length: 20 }, unknown), '/report'), Array(20).fill('none'))
    t.same(await codesOf('192.0.2.5', [malformed]), ['too_many_failures'], 'look-ups count')
    const series = await scrape(gateway.adminUrl)
    t.ok(series.get('latchkey_auth_total{outcome="reported_too_many_failures"}')! > 0)
  })

  t.test('a flood of well-formed junk keeps neither the database busy nor a good key out for good', async t => {
    const before = await scrape(gateway.adminUrl)
    const flood = { isOver: false }
    const statuses = new Map<string, number>()
    const flooding = Promise.all(Array.from({ length: 16 }, async () => {
      while (!flood.isOver) {
        const code = String((await from('192.0.2.1', unknown())).code)
        statuses.set(code, (statuses.get(code) ?? 0) + 1)
      }
    }))
    let refused = 0
    for (let i = 0; i < 2; i++) {
      const { key } = await gateway.createKey({ scopes: ['all:use'] })
      for (;;) {
        const { status, code } = await from('192.0.2.1', key)
        if (status === 200) break
        t.equal(code, 'too_many_failures')
        refused++
      }
      t.equal((await from('192.0.2.6', (await gateway.createKey({ scopes: ['all:use'] })).key)).status, 200, 'others don\'t notice')
      t.equal((await from('192.0.2.1', good)).status, 200, 'nor does a key that is known')
    }
    flood.isOver = true
    await flooding
    const after = await scrape(gateway.adminUrl)
    t.same([...statuses.keys()], ['too_many_failures'])
    t.comment(`2 first uses beside a flood from their own address: ${refused} refused before; the flood: ${JSON.stringify([...statuses])}, ` +
      `${after.get('latchkey_key_cache_total{result="miss"}')! - before.get('latchkey_key_cache_total{result="miss"}')!} look-ups in all`)
    t.equal(after.get('latchkey_key_lookups'), 0)
    t.ok(after.get('latchkey_failing_addresses')! >= 5)
  })
})

t.test('nobody chooses the address that he is counted under', async t => {
  const upstream = await startUpstream(t)
  const { url } = await startFront(t, upstream.url, { sections: `gateway: { ${failureBudget} }` })
  const codes: unknown[] = []
  for (let i = 0; i < 7; i++) codes.push((await send(url, { headers: { 'x-api-key': malformed, 'x-forwarded-for': `203.0.113.${i}`, 'x-real-ip': `203.0.113.${i}`, forwarded: `for=203.0.113.${i}` } })).code)
  t.same(codes, [...Array(5).fill('invalid_key'), 'too_many_failures', 'too_many_failures'])
})
