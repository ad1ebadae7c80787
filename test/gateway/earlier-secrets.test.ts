import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type Front, frontConfig, startFront } from '../support/front.ts'
import { startGateway } from '../support/gateway.ts'
import { type Answer, send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'
import { WebSocketClient } from '../support/websocket.ts'

const upstreamsOwn = { Deprecation: '@1', SUNSET: 'Sat, 01 Jan 2000 00:00:00 GMT' }

const upstream = await startUpstream(t, (request, response) => {
  if (request.url === '/own') return response.writeHead(200, upstreamsOwn).end('{}')
  if (request.url === '/not-modified') return response.writeHead(304, { etag: '"a"' }).end()
  if (request.url === '/large') return response.writeHead(200, upstreamsOwn).end('x'.repeat(1_000_000))
  if (request.url === '/broken') return request.socket.destroy()
  response.writeHead(200).end('{"ok":true}')
})
upstream.server.on('upgrade', (request, socket: Socket) => {
  if (request.url === '/refused') return socket.end('HTTP/1.1 403 Forbidden\r\nDeprecation: @1\r\nSunset: never\r\ncontent-length: 0\r\n\r\n')
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nDeprecation: @1\r\nSunset: never\r\nX-Kept: yes\r\n\r\n`)
  socket.on('error', () => {}).once('end', () => socket.end()).resume()
})

const routes = [
  "id: forbidden, path: '/forbidden', scopes: ['other:use']",
  "id: public, path: '/public', auth: none",
  "id: reported, path: '/reported', auth: report, scopes: ['other:use']",
  "id: small, path: '/small', scopes: ['all:use'], bodyBytesMax: 1KiB",
]

interface Marks {
  readonly deprecation: string
  readonly sunset: string
}

/** A gateway with a rotated key. `marks` are the headers of an answer to its earlier secret. */
async function startRotated (t: Test, options: Parameters<typeof startFront>[2] = {}): Promise<Front & { readonly present: { readonly 'x-api-key': string }, readonly marks: Marks }> {
  const front = await startFront(t, upstream.url, { routes, ...options })
  const { gateway, url, headers, keyId } = front
  const { key } = await gateway.manager.rotate(keyId)
  await until(async () => (await send(url, { headers })).headers['deprecation'] !== undefined, 'the gateway has heard of the rotation')
  const { rows: [row] } = await gateway.database.pool.query<{ created_at: Date, expires_at: Date }>('select created_at, expires_at from latchkey.earlier_secrets')
  const marks = { deprecation: `@${Math.floor(row!.created_at.getTime() / 1_000)}`, sunset: row!.expires_at.toUTCString() }
  return { ...front, present: { 'x-api-key': key }, marks }
}

function marksOf ({ headers }: Pick<Answer, 'headers'>): object {
  return { deprecation: headers['deprecation'], sunset: headers['sunset'] }
}

const none = { deprecation: undefined, sunset: undefined }

t.test('every answer to a request with an earlier secret says that it is one, and until when it works', async t => {
  const { url, headers, marks, present } = await startRotated(t)
  const asked: [path: string, status: number, options?: { method?: string, body?: string, headers?: Record<string, string> }][] = [
    ['/', 200],
    ['/', 200, { method: 'HEAD' }],
    ['/', 200, { method: 'POST', body: 'x'.repeat(100_000) }],
    // What isn't plain is read by node:http.
    ['/', 200, { headers: { te: 'trailers' } }],
    ['/not-modified', 304],
    ['/large', 200],
    ['/own', 200],
    ['/broken', 502],
    ['/forbidden', 403],
    ['/reported', 200],
    ['/small', 413, { method: 'POST', body: 'x'.repeat(5_000) }],
  ]
  for (const [path, status, { headers: more = {}, ...options } = {}] of asked) {
    const answer = await send(url + path, { ...options, headers: { ...headers, ...more } })
    t.equal(answer.status, status, path)
    t.same(marksOf(answer), marks, `${options.method ?? 'GET'} ${path}`)
    const other = await send(url + path, { ...options, headers: { ...present, ...more } })
    t.equal(other.status, status)
    const own = path === '/own' || path === '/large' ? { deprecation: upstreamsOwn.Deprecation, sunset: upstreamsOwn.SUNSET } : none
    t.same(marksOf(other), own, 'the present secret gets what the upstream says')
  }
  t.same(marksOf(await send(`${url}/public`, { headers })), none, 'a public route looks at no key')
})

t.test('so do the answers to upgrades', async t => {
  const { url, headers, marks, present } = await startRotated(t)
  const opened = await new WebSocketClient(t, `${url}/socket`, { headers }).opened()
  t.same(marksOf(opened.answer!), marks)
  t.equal(opened.answer!.headers['x-kept'], 'yes')
  const ofPresent = await new WebSocketClient(t, `${url}/socket`, { headers: present }).opened()
  t.same(marksOf(ofPresent.answer!), { deprecation: '@1', sunset: 'never' })
  t.same(marksOf(await new WebSocketClient(t, `${url}/refused`, { headers }).refused()), marks)
  const forbidden = await new WebSocketClient(t, `${url}/forbidden`, { headers }).refused()
  t.equal(forbidden.status, 403)
  t.same(marksOf(forbidden), marks)
})

t.test('and what is said of the key\'s own state, but nothing once the grace has ended', async t => {
  const { url, headers, marks, present, gateway, keyId } = await startRotated(t)
  for (const [change, code] of [['is_active = false', 'key_disabled'], ['revoked_at = now()', 'key_revoked']] as const) {
    await gateway.database.pool.query(`update api_keys set ${change} where id = $1`, [keyId])
    await until(async () => (await send(url, { headers })).code === code, code)
    t.same(marksOf(await send(url, { headers })), marks)
  }
  await gateway.database.pool.query('update api_keys set is_active = true, revoked_at = null where id = $1', [keyId])
  await until(async () => (await send(url, { headers })).status === 200, 'it works again')
  const rowsBefore = (await usageRows(gateway, '/ended', 0)).length
  await gateway.manager.endGrace(keyId)
  await until(async () => (await send(url, { headers })).code === 'invalid_key', 'the grace has ended')
  t.same(marksOf(await send(`${url}/ended`, { headers })), none)
  await send(`${url}/marker`, { headers: present })
  await usageRows(gateway, '/marker')
  t.equal((await usageRows(gateway, '/ended', 0)).length, rowsBefore, 'no usage is recorded')
})

t.test('a key that expires before the grace has ended says when it does', async t => {
  const { url, headers, marks, gateway, keyId } = await startRotated(t)
  const expiresAt = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000)
  await gateway.database.pool.query('update api_keys set expires_at = $2 where id = $1', [keyId, expiresAt])
  await until(async () => (await send(url, { headers })).headers['sunset'] !== marks.sunset, 'the gateway has heard of it')
  t.same(marksOf(await send(url, { headers })), { deprecation: marks.deprecation, sunset: expiresAt.toUTCString() })
  await gateway.database.pool.query("update api_keys set expires_at = now() - interval '1 minute' where id = $1", [keyId])
  await until(async () => (await send(url, { headers })).code === 'key_expired', 'it has expired')
  t.match(marksOf(await send(url, { headers })), { deprecation: marks.deprecation, sunset: / GMT$/ })
})

t.test('times that no HTTP-date can hold are cut to one that it can', async t => {
  const { url, headers, gateway } = await startRotated(t)
  await gateway.database.pool.query("update latchkey.earlier_secrets set expires_at = 'infinity', created_at = '-infinity'")
  await until(async () => (await send(url, { headers })).headers['deprecation'] === '@0', 'the gateway has heard of it')
  t.same(marksOf(await send(url, { headers })), { deprecation: '@0', sunset: 'Fri, 31 Dec 9999 23:59:59 GMT' })
})

t.test('the log tells which of a key\'s secrets was used', async t => {
  const { url, headers, present, gateway } = await startRotated(t)
  await send(`${url}/old`, { headers })
  await send(`${url}/new`, { headers: present })
  const line = (path: string) => gateway.logs.map(line => JSON.parse(line)).find(line => line.msg === 'request' && line.path === path)
  await until(() => line('/old') !== undefined && line('/new') !== undefined, 'both are logged')
  t.equal(line('/old').keyId, line('/new').keyId)
  t.type(line('/old').earlierSecretId, 'number')
  t.equal(line('/new').earlierSecretId, undefined)
})

for (const [usage, sent, stored] of [
  ['', 'acme-app/3.14 (serial 00417711)', 'acme-app/3.14 (serial 00417711)'],
  ['userAgents: shortened', 'acme-app/3.14 (serial 00417711)', 'acme-app/3'],
  ['userAgents: dropped', 'acme-app/3.14', null],
  ['store: none', 'acme-app/3.14', null],
] as const) {
  t.test(`the last use of an earlier secret is told its owner, with usage: { ${usage} }`, async t => {
    const { url, headers, gateway, present } = await startRotated(t, { sections: `usage: { flushEvery: 50ms${usage === '' ? '' : `, ${usage}`} }\n` })
    const beforeMs = Date.now()
    await send(url, { headers: { ...headers, 'user-agent': sent } })
    await send(url, { headers: { ...present, 'user-agent': 'other/1' } })
    await gateway.close()
    const { rows: [row] } = await gateway.database.pool.query<{ last_used_at: Date, last_user_agent: string | null }>('select last_used_at, last_user_agent from latchkey.earlier_secrets')
    t.ok(row!.last_used_at.getTime() >= beforeMs)
    t.equal(row!.last_user_agent, stored)
  })
}

t.test('each worker does the same by itself', async t => {
  const gateway = await startGateway(t, { config: frontConfig(upstream.url, { sections: 'gateway: { workers: 2 }\n' }) })
  const { key, apiKey: { id } } = await gateway.createKey({ scopes: ['all:use'] })
  await gateway.manager.rotate(id)
  const headers = { 'x-api-key': key, connection: 'close' }
  for (let heard = 0; heard < 10;) heard = (await send(gateway.url, { headers })).headers['deprecation'] === undefined ? 0 : heard + 1
  const { rows } = await gateway.database.pool.query('select now() as at')
  await send(gateway.url, { headers })
  await gateway.close()
  t.equal((await gateway.database.pool.query('select from latchkey.earlier_secrets where last_used_at >= $1', [rows[0].at])).rowCount, 1)
})

t.test('a WebSocket that was opened before the rotation counts as a use of the secret that it was opened with', async t => {
  const { url, headers, gateway, keyId } = await startFront(t, upstream.url)
  await new WebSocketClient(t, `${url}/socket`, { headers: { ...headers, 'user-agent': 'ticker/1.0' } }).opened()
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_open_streams{kind="websocket"}') === 1, 'it is open')
  await gateway.manager.rotate(keyId)
  const secret = async () => (await gateway.manager.show(keyId)).earlierSecrets[0]!
  await until(async () => (await secret()).lastUsedAt !== null, 'its use is told')
  t.equal((await secret()).lastUserAgent, 'ticker/1.0')
})
