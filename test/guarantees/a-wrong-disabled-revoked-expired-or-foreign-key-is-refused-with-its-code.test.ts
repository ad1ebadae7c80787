import t, { type Test } from 'tap'
import { checksumOf, generateKey } from '../../src/keys/format.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { type Answer, send } from '../support/http.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** What a key's row says, and what its holder is told on a route that requires a scope. */
const states: [columns: string, status: number, code: string | undefined][] = [
  ['is_active = true', 200, undefined],
  ['expires_at = null', 200, undefined],
  ["expires_at = now() + interval '1 day'", 200, undefined],
  ["expires_at = 'infinity'", 200, undefined],
  ['environment = null', 200, undefined],
  ['is_active = false', 401, 'key_disabled'],
  ['is_active = null', 401, 'key_disabled'],
  ["expires_at = now() - interval '1 second'", 401, 'key_expired'],
  ["expires_at = '-infinity'", 401, 'key_expired'],
  ['revoked_at = now()', 401, 'key_revoked'],
  ["revoked_at = now() + interval '1 day'", 401, 'key_revoked'],
  ['revoked_at = now(), is_active = true', 401, 'key_revoked'],
  ['revoked_at = now(), is_active = false', 401, 'key_revoked'],
  ["revoked_at = now(), is_active = null, expires_at = now() - interval '1 day'", 401, 'key_revoked'],
  ["is_active = false, expires_at = now() - interval '1 day'", 401, 'key_disabled'],
  ["is_active = null, expires_at = '-infinity'", 401, 'key_disabled'],
  ["environment = 'test'", 401, 'invalid_key'],
  ["environment = 'test', revoked_at = now()", 401, 'invalid_key'],
  ['scopes = null', 403, 'insufficient_scope'],
  ["scopes = '{}'", 403, 'insufficient_scope'],
  ["scopes = '{null}'", 403, 'insufficient_scope'],
  ["scopes = '{other}', revoked_at = now()", 401, 'key_revoked'],
]

for (const isPeppered of [true, false]) {
  t.test(`found by ${isPeppered ? 'digest' : 'bcrypt'}`, async t => {
    const upstream = await startUpstream(t)
    const gateway = await start(t, upstream, isPeppered)
    const { pool } = gateway.database
    // As tables made by others may be.
    await pool.query('alter table api_keys alter is_active drop not null, alter scopes drop not null')

    for (const [columns, status, code] of states) {
      const { key, apiKey } = await gateway.createKey({ scopes: ['inventory:read'] })
      await pool.query(`update api_keys set ${columns} where id = $1`, [apiKey.id])
      const wrong = withChecksum(key.slice(0, 12) + randomPart().slice(4))
      for (const headers of waysToSend(wrong)) isRefused(t, await get(gateway, headers), 'invalid_key', `a wrong secret beside ${columns}`)
      for (const headers of waysToSend(key)) {
        const forwarded = upstream.seen.length
        const answer = await get(gateway, headers)
        const message = `${columns}, ${Object.keys(headers)[0]}`
        t.equal(answer.status, status, message)
        t.equal(answer.code, code, message)
        t.equal(upstream.seen.length - forwarded, status === 200 ? 1 : 0, 'forwarded only when admitted')
        if (status === 401) isRefused(t, answer, code!, message)
      }
    }
  })
}

t.test('whatever is no key of this gateway gets one and the same answer', async t => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, upstream, true)
  const { key, apiKey } = await gateway.createKey({ scopes: ['inventory:read'] })
  const [{ key: deleted, apiKey: { id } }, replaced] = [await gateway.createKey(), await gateway.createKey()]
  await gateway.database.pool.query('delete from api_keys where id = $1', [id])
  await gateway.database.pool.query('update api_keys set key_hash = (select key_hash from api_keys where id = $2) where id = $1', [replaced.apiKey.id, apiKey.id])
  const foreign = {
    unknown: generateKey({ brand: 'sk', environment: 'live' }),
    'of another environment': generateKey({ brand: 'sk', environment: 'test' }),
    'of another brand': generateKey({ brand: 'pk', environment: 'live' }),
    mistyped: key.slice(0, -1) + (key.endsWith('0') ? '1' : '0'),
    'cut short': key.slice(0, -1),
    'too long': `${key}0`,
    'in upper case': key.toUpperCase(),
    'in quotes': `"${key}"`,
    'over 72 bytes': key.padEnd(73, '0'),
    'very long': key.repeat(100),
    'a prefix': key.slice(0, 12),
    'twice, with a comma': `${key},${key}`,
    "SQL's": "' or true --",
    "bcrypt's": '$2b$04$abcdefghijklmnopqrstuu',
    deleted,
    'whose hash was replaced': replaced.key,
  }
  const bodies = new Set<string>()
  for (const [name, text] of Object.entries(foreign)) {
    for (const headers of waysToSend(text)) {
      const answer = await get(gateway, headers)
      isRefused(t, answer, 'invalid_key', name)
      bodies.add(JSON.stringify({ ...JSON.parse(answer.text), requestId: '' }))
    }
  }
  t.equal(bodies.size, 1, 'nobody learns which it was')
  t.equal(upstream.seen.length, 0)
  for (const headers of waysToSend(key)) t.equal((await get(gateway, headers)).status, 200)
})

t.test('no key at all is asked for', async t => {
  const gateway = await start(t, await startUpstream(t), true)
  const { key } = await gateway.createKey({ scopes: ['*'] })
  const without: Record<string, string>[] = [
    {},
    { 'x-api-key': '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: key },
    { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    { authorization: `Token ${key}` },
    { cookie: `x-api-key=${key}` },
    { 'x-api-keys': key },
    { x_api_key: key },
    { 'api-key': key },
    { 'proxy-authorization': `Bearer ${key}` },
  ]
  for (const headers of without) isRefused(t, await get(gateway, headers), 'missing_key', JSON.stringify(Object.keys(headers)))
  const inQuery = await send(`${gateway.url}/inventory/1?x-api-key=${key}&api_key=${key}&access_token=${key}`)
  isRefused(t, inQuery, 'missing_key', 'in the query')
})

function start (t: Test, upstream: TestUpstream, isPeppered: boolean): Promise<TestGateway> {
  return startGateway(t, {
    config: `
keys: { bcryptCost: 4, environments: [live] }
upstreams: { inventory: { targets: ["${upstream.url}"] } }
routes:
  - { id: inventory, path: /inventory/*, upstream: inventory, scopes: [inventory:read] }
`,
    ...(isPeppered ? {} : { pepper: null }),
  })
}

function waysToSend (key: string): Record<string, string>[] {
  return [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }, { authorization: `bEARER ${key}` }]
}

function get (gateway: TestGateway, headers: Record<string, string>): Promise<Answer> {
  return send(`${gateway.url}/inventory/1`, { headers })
}

function isRefused (t: Test, { status, code, headers }: Answer, expected: string, message: string): void {
  t.equal(status, 401, message)
  t.equal(code, expected, message)
  t.equal(headers['www-authenticate'], expected === 'missing_key' ? 'Bearer realm="latchkey"' : 'Bearer realm="latchkey", error="invalid_token"')
}

function randomPart (): string {
  return generateKey({ brand: 'sk', environment: 'live' }).slice(8, 40)
}

function withChecksum (body: string): string {
  return body + checksumOf(body)
}
