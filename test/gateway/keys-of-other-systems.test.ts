import bcrypt from 'bcrypt'
import t, { type Test } from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'

// Keys as others mint them, with the prefixes that they store.
const others: [key: string, prefix: string, version: '2a' | '2b' | '2y'][] = [
  ['sk_live_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY', 'sk_live_aB3d', '2b'],
  ['sk_live_aB3dZZZZ7hJ9kL1mN3pQ5rS7tU9vW1xY', 'sk_live_aB3d...', '2b'],
  ['AKdeadbeef-0123-4567-89ab-cdef01234567', 'AKde', '2a'],
  ['0123456789abcdef0123456789abcdef', '01234567', '2y'],
  ['key.with/other+characters=and~more!', 'key.with/oth', '2b'],
  ['x'.repeat(72), 'xxxxxxxxxxxxxxxxxxxx', '2b'],
  ['p'.repeat(16), 'p', '2b'],
]

t.test('checksum: optional admits keys that another system minted', async t => {
  const { gateway, upstream, use } = await start(t, 'optional')
  const { key: own } = await gateway.createKey()
  for (const [key, prefix, version] of others) await insert(key, prefix, version)
  for (let round = 0; round < 2; round++) {
    for (const key of [...others.map(([key]) => key), own]) {
      const ways: Record<string, string>[] = [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }, { 'x-api-key': key, authorization: `Bearer ${key}` }]
      for (const headers of ways) {
        t.equal((await use(headers)).status, 200, `${key.slice(0, 12)}… ${Object.keys(headers)[0]}`)
        if (!('authorization' in headers) || !('x-api-key' in headers) || key.startsWith('sk_')) {
          t.notOk(JSON.stringify(upstream.seen.at(-1)).includes(key), 'the upstream sees no key')
        }
      }
    }
  }
  const { rows } = await gateway.database.pool.query('select key_lookup from api_keys where key_lookup is null')
  t.equal(rows.length, 0, 'each has its digest now')

  const [first] = others[0]!
  for (const wrong of [`${first}x`, first.slice(0, -1), `${first.slice(0, -1)}x`, 'x'.repeat(71), 'x'.repeat(73), 'p'.repeat(15), 'key with spaces in between', 'schlüssel-aus-einem-anderen-system', 'sk_test_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY']) {
    t.match(await use({ 'x-api-key': wrong }), { status: 401, code: 'invalid_key' }, wrong.slice(0, 20))
  }
  t.match(await use({ 'x-api-key': first, authorization: `Bearer ${own}` }), { status: 400, code: 'ambiguous_key' })

  async function insert (key: string, prefix: string, version: string): Promise<void> {
    const keyHash = (await bcrypt.hash(key, 4)).replace('$2b$', `$${version}$`)
    await gateway.database.pool.query(
      'insert into api_keys (user_id, key_hash, key_prefix, name, scopes) select user_id, $1, $2, $3, $4 from api_keys where id = 1',
      [keyHash, prefix, prefix, []])
  }
})

t.test('checksum: required refuses them without asking the database', async t => {
  const { gateway, use } = await start(t, 'required')
  const { key: own } = await gateway.createKey()
  const misses = async () => /^latchkey_key_cache_total\{result="miss"\} (\d+)$/m.exec((await send(`${gateway.adminUrl}/metrics`)).text)?.[1] ?? '0'
  const before = await misses()
  for (const [key] of others) t.match(await use({ 'x-api-key': key }), { status: 401, code: 'invalid_key' })
  t.equal(await misses(), before)
  t.equal((await use({ 'x-api-key': own })).status, 200)
  t.not(await misses(), before, 'a real one is looked for')
})

async function start (t: Test, checksum: 'required' | 'optional') {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
keys: { bcryptCost: 4, environments: [live], checksum: ${checksum} }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: all, path: /*, upstream: u }
`,
  })
  return { gateway, upstream, use: (headers: Record<string, string>) => send(`${gateway.url}/x`, { headers }) }
}
