import t from 'tap'
import { shortenedUserAgent, truncatedAddress } from '../../src/usage/privacy.ts'
import { RowCleaner } from '../../src/usage/row.ts'
import { rowOf } from './support.ts'

const redact = (text: string) => text.replace(/secret\w*/g, 's…')
const kept = { addresses: 'kept', userAgents: 'kept', paths: 'asSent' } as const

t.test('addresses are truncated to a /24 or a /48', async t => {
  const addresses: [string, string | null][] = [
    ['203.0.113.77', '203.0.113.0'],
    ['203.0.113.0', '203.0.113.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['::ffff:cb00:714d', '203.0.113.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['2001:DB8:1::6', '2001:db8:1::'],
    ['2001:db8::6', '2001:db8::'],
    ['::1', '::'],
    ['::203.0.113.77', '::'],
    ['fe80::1', 'fe80::'],
    ['64:ff9b::203.0.113.77', '64:ff9b::'],
    ['2002:cb00:714d:1::1', '2002:cb00:7100::'],
    ['203.0.113', null],
    ['', null],
  ]
  for (const [given, stored] of addresses) t.equal(truncatedAddress(given), stored, given)
})

t.test('user agents are shortened to a product and its major version', async t => {
  const agents: [string, string | null][] = [
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'Mozilla/5'],
    ['curl/8.5.0', 'curl/8'],
    ['python-requests/2.32.3', 'python-requests/2'],
    ['Apache-HttpClient/4.5.14 (Java/17.0.11)', 'Apache-HttpClient/4'],
    ['Amazon-Route53-Health-Check-Service (ref 1f2e3d)', 'Amazon-Route53-Health-Check-Service'],
    ['node', 'node'],
    ['node-fetch', 'node-fetch'],
    ['acme/v12.1', 'acme/12'],
    ['acme/1234-beta', 'acme/1234'],
    ['acme/20240131', 'acme'],
    ['acme/4f3a9c', 'acme/4'],
    ['acme/unknown', 'acme'],
    ['acme/', 'acme'],
    ['acme (ada@example.com)', 'acme'],
    ['acme;7', 'acme'],
    ['ada@example.com', null],
    ['"acme"', null],
    ['{"device":"4711"}', null],
    ['(Macintosh)', null],
    ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', null],
    ['f2504e0-4f89-11d3-9a0c-0305e82c3301', null],
    ['device47110815', null],
    ['x'.repeat(41), null],
    [`${'x'.repeat(40)}/1`, `${'x'.repeat(40)}/1`],
    ['äcme/1', null],
    [' acme/1', null],
    ['', null],
  ]
  for (const [given, stored] of agents) t.equal(shortenedUserAgent(given), stored, given)
})

t.test('a row as each setting has it, also when it comes again', async t => {
  const given = rowOf(1, { ipAddress: '203.0.113.77', userAgent: 'acme/1.2 (ada)', endpoint: '/inventory/ada' })
  const settings: [Partial<ConstructorParameters<typeof RowCleaner>[1]>, object][] = [
    [{}, {}],
    [{ addresses: 'truncated' }, { ipAddress: '203.0.113.0' }],
    [{ addresses: 'dropped' }, { ipAddress: null }],
    [{ userAgents: 'shortened' }, { userAgent: 'acme/1' }],
    [{ userAgents: 'dropped' }, { userAgent: null }],
    [{ paths: 'routePattern' }, { endpoint: '/inventory/*' }],
    [{ addresses: 'dropped', userAgents: 'dropped', paths: 'routePattern' }, { ipAddress: null, userAgent: null, endpoint: '/inventory/*' }],
  ]
  for (const [privacy, changed] of settings) {
    const cleaner = new RowCleaner(redact, { ...kept, ...privacy })
    for (let round = 0; round < 3; round++) t.same(cleaner.clean({ ...given, routePath: '/inventory/*' }), { ...given, ...changed }, JSON.stringify(privacy))
  }
})

t.test('many clients by turns each keep what is theirs', async t => {
  const cleaner = new RowCleaner(redact, { ...kept, addresses: 'truncated', userAgents: 'shortened' })
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1_200; i++) {
      const { ipAddress, userAgent } = cleaner.clean(rowOf(1, { ipAddress: `10.0.${i % 256}.${i % 100}`, userAgent: `agent-${i % 700 === 7 ? 'secret' : ''}/${i}.0` }))
      if (ipAddress !== `10.0.${i % 256}.0`) t.fail(`${i}: ${ipAddress}`)
      if (userAgent !== (i % 700 === 7 ? null : `agent-/${i}`)) t.fail(`${i}: ${userAgent}`)
    }
  }
})

t.test('what holds a secret is redacted first, and is not remembered', async t => {
  const asked: string[] = []
  const cleaner = new RowCleaner(text => { asked.push(text); return redact(text) }, { ...kept, userAgents: 'shortened' })
  for (let round = 0; round < 3; round++) t.equal(cleaner.clean(rowOf(1, { userAgent: 'acme/1.0 secret1' })).userAgent, 'acme/1')
  t.equal(asked.filter(text => text.includes('secret1')).length, 3)
  t.equal(cleaner.clean(rowOf(1, { userAgent: 'secret2/1.0' })).userAgent, null)
})
