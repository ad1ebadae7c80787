import t from 'tap'
import { startFront } from '../support/front.ts'
import { ask, type RawAnswer } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

t.test('behind a trusted proxy', async t => {
  const upstream = await startUpstream(t)
  const { url, key, gateway } = await startFront(t, upstream.url, {
    sections: 'gateway: { trustProxy: [127.0.0.1, "::ffff:10.0.0.0/104", "2001:db8:1::/48"] }',
    routes: ["id: host, path: '/host', host: api.test, auth: none"],
  })
  const forward = async (...headers: string[]) => {
    upstream.seen.length = 0
    const answer: RawAnswer = await ask(url, { headers: ['Host: front.test', `x-api-key: ${key}`, ...headers] })
    t.equal(answer.status, 200, headers.join(' | '))
    const { headers: got } = upstream.seen[0]!
    return { forwardedFor: got['x-forwarded-for'], proto: got['x-forwarded-proto'], host: got['x-forwarded-host'], got, requestId: String(answer.headers['x-request-id']) }
  }

  t.test('the client is the first address from the right that is not trusted', async t => {
    const cases: [lines: string[], client: string, chain: string][] = [
      [[], '127.0.0.1', '127.0.0.1'],
      [['203.0.113.7'], '203.0.113.7', '203.0.113.7, 127.0.0.1'],
      [['198.51.100.1, 203.0.113.7'], '203.0.113.7', '203.0.113.7, 127.0.0.1'],
      [['198.51.100.1, 203.0.113.7, 10.1.2.3 ,10.4.5.6'], '203.0.113.7', '203.0.113.7, 10.1.2.3, 10.4.5.6, 127.0.0.1'],
      [['198.51.100.1', '203.0.113.7', '10.1.2.3'], '203.0.113.7', '203.0.113.7, 10.1.2.3, 127.0.0.1'],
      [['10.0.0.2, 10.0.0.1'], '10.0.0.2', '10.0.0.2, 10.0.0.1, 127.0.0.1'],
      [['::ffff:203.0.113.7, ::ffff:10.0.0.1'], '203.0.113.7', '203.0.113.7, 10.0.0.1, 127.0.0.1'],
      [['2001:DB8:2:0::7, 2001:db8:1::1'], '2001:db8:2::7', '2001:db8:2::7, 2001:db8:1::1, 127.0.0.1'],
      [['203.0.113.7:4711, [2001:db8:1::1]:443, [2001:db8:1::2]'], '203.0.113.7', '203.0.113.7, 2001:db8:1::1, 2001:db8:1::2, 127.0.0.1'],
      [['203.0.113.7, unknown, 10.0.0.1'], '10.0.0.1', '10.0.0.1, 127.0.0.1'],
      [['203.0.113.7, unknown'], '127.0.0.1', '127.0.0.1'],
      [['203.0.113.7, 010.0.0.1'], '127.0.0.1', '127.0.0.1'],
      [['203.0.113.7,'], '127.0.0.1', '127.0.0.1'],
      [[', 203.0.113.7'], '203.0.113.7', '203.0.113.7, 127.0.0.1'],
      [['[203.0.113.7]:80'], '127.0.0.1', '127.0.0.1'],
      [['203.0.113.7:'], '127.0.0.1', '127.0.0.1'],
      [['fe80::1%eth0'], '127.0.0.1', '127.0.0.1'],
    ]
    for (const [lines, client, chain] of cases) {
      const { forwardedFor, requestId } = await forward(...lines.map(line => `X-Forwarded-For: ${line}`))
      t.equal(forwardedFor, chain)
      await until(() => gateway.logs.some(line => line.includes(requestId)), 'the request is logged')
      t.match(gateway.logs.find(line => line.includes(requestId)), `"address":"${client}"`)
    }
    await until(async () => {
      const { rows } = await gateway.database.pool.query<{ ip: string }>('select distinct host(ip_address) as ip from api_key_usage')
      return rows.map(({ ip }) => ip).sort().join(' ') === '10.0.0.1 10.0.0.2 127.0.0.1 2001:db8:2::7 203.0.113.7'
    }, 'usage holds the clients')
  })

  t.test('the walk is bounded', async t => {
    const { forwardedFor } = await forward(`X-Forwarded-For: 203.0.113.7, ${Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`).join(', ')}`)
    t.equal(String(forwardedFor).split(', ').length, 33)
    t.match(forwardedFor, /^10\.0\.0\.68, /)
  })

  t.test('scheme and host', async t => {
    const cases: [header: string, proto: string, host: string][] = [
      ['X-Forwarded-Proto: https', 'https', 'front.test'],
      ['X-Forwarded-Proto: http, https', 'https', 'front.test'],
      ['X-Forwarded-Proto: https, http', 'http', 'front.test'],
      ['X-Forwarded-Proto: ftp', 'http', 'front.test'],
      ['X-Forwarded-Proto: HTTPS', 'http', 'front.test'],
      ['X-Forwarded-Proto: https,', 'http', 'front.test'],
      ['X-Forwarded-Host: shop.test', 'http', 'shop.test'],
      ['X-Forwarded-Host: evil.test, shop.test:8443', 'http', 'shop.test:8443'],
      ['X-Forwarded-Host: [2001:db8::1]:443', 'http', '[2001:db8::1]:443'],
      ['X-Forwarded-Host: user@shop.test', 'http', 'front.test'],
      ['X-Forwarded-Host: shop.test/path', 'http', 'front.test'],
      ['X-Forwarded-Host: ', 'http', 'front.test'],
    ]
    for (const [header, proto, host] of cases) {
      const seen = await forward(header)
      t.same([seen.proto, seen.host], [proto, host], header)
    }
  })

  t.test('what else it says passes as it is, in its plain spelling', async t => {
    const { got } = await forward('X-Forwarded-Port: 443', 'Forwarded: for=203.0.113.7', 'X-Real-IP: 203.0.113.7', 'X_Forwarded_Prefix: /evil', 'X_Forwarded_For: 6.6.6.6', 'X_Real_IP: 6.6.6.6')
    t.match(got, { 'x-forwarded-port': '443', forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7', 'x-forwarded-for': '127.0.0.1' })
    t.notOk(Object.keys(got).some(name => name.includes('_')))
  })

  t.test('routes are matched by Host alone', async t => {
    t.equal((await ask(url, { target: '/host', headers: ['Host: api.test'] })).status, 200)
    t.equal((await ask(url, { target: '/host', headers: ['Host: front.test', 'X-Forwarded-Host: api.test'] })).code, 'missing_key')
  })
})

t.test('of anybody else nothing is believed', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url, { sections: 'gateway: { trustProxy: [10.0.0.0/8, 127.0.0.2] }' })
  const headers = ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.test', 'X-Forwarded-Port: 443', 'Forwarded: for=1.2.3.4', 'X-Real-IP: 1.2.3.4']
  await ask(url, { headers: ['Host: front.test', `x-api-key: ${key}`, ...headers] })
  const { headers: got } = upstream.seen[0]!
  t.match(got, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'front.test' })
  for (const name of ['x-forwarded-port', 'forwarded', 'x-real-ip']) t.equal(got[name], undefined, name)
})
