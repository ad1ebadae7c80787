import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { type StoredUsage, usageRows } from '../support/usage-rows.ts'

const tookMs = 150
const upstream = await startRawUpstream(t, (request, response) => {
  request.on('error', () => {})
  switch (request.url!.split('?', 1)[0]) {
    case '/slow': setTimeout(() => response.end('slow'), tookMs); break
    case '/breaks': request.socket.destroy(); break
    case '/hangs': break
    case '/dies': response.write('begun', () => { request.socket.destroy() }); break
    default: response.end('ok')
  }
})
const front = await startFront(t, upstream.url, {
  route: 'bodyBytesMax: 1KiB',
  upstream: 'headersTimeout: 1s, retries: 0',
  routes: ["id: other, path: /other, scopes: ['other:use']", 'id: reads, path: /reads, methods: [GET], scopes: []', 'id: public, path: /public, auth: none', "id: reported, path: /reported, auth: report, scopes: ['other:use']"],
})
const { url, headers, gateway, keyId } = front
const expected = { api_key_id: keyId, route: 'all', method: 'GET', ip_address: '127.0.0.1' }
let count = 0

/** The one row of a request, told from all others by its request id. */
async function rowOf (requestId: string): Promise<StoredUsage> {
  let rows: StoredUsage[] = []
  await until(async () => {
    rows = (await gateway.database.pool.query('select *, host(ip_address) as ip_address from api_key_usage where request_id = $1', [requestId])).rows
    return rows.length > 0
  }, `the row of ${requestId}`)
  t.equal(rows.length, 1, `one row for ${requestId}`)
  count++
  return rows[0]!
}

t.test('an answered request, with every column', async t => {
  const beforeMs = Date.now()
  const answer = await send(`${url}/slow?secret=query`, { method: 'POST', headers: { ...headers, 'user-agent': 'agent/1.0 (ü)'.replace('ü', 'u') } })
  const row = await rowOf(String(answer.headers['x-request-id']))
  t.match(row, { ...expected, endpoint: '/slow', method: 'POST', status_code: 200, user_agent: 'agent/1.0 (u)' })
  t.ok(row.response_time_ms >= tookMs - 1, 'it lasts at least as long as the upstream took', { took: row.response_time_ms })
  t.ok(row.created_at.getTime() >= beforeMs - 1 && row.created_at.getTime() <= Date.now() - row.response_time_ms + 2, 'it is dated to its beginning')
})

t.test('the endpoint is the path alone, cut at 255 characters', async t => {
  const path = `/long/${'x'.repeat(400)}`
  const answer = await send(`${url}${path}?${'q'.repeat(400)}`, { headers })
  t.match(await rowOf(String(answer.headers['x-request-id'])), { ...expected, status_code: 200, endpoint: path.slice(0, 255), user_agent: null })
})

t.test('a request id of the client\'s own, repeated', async t => {
  for (let i = 0; i < 3; i++) await send(`${url}/repeated`, { headers: { ...headers, 'x-request-id': 'again' } })
  const rows = await usageRows(gateway, '/repeated', 3)
  t.same(rows.map(row => row.request_id), ['again', 'again', 'again'])
  count += 3
})

t.test('a scope that the key does not hold: 403', async t => {
  const answer = await send(`${url}/other`, { headers })
  t.match(answer, { status: 403, code: 'insufficient_scope' })
  t.match(await rowOf(String(answer.headers['x-request-id'])), { ...expected, route: 'other', endpoint: '/other', status_code: 403 })
})

t.test('what auth: report lets through', async t => {
  const answer = await send(`${url}/reported`, { headers })
  t.equal(answer.status, 200)
  t.match(await rowOf(String(answer.headers['x-request-id'])), { ...expected, route: 'reported', status_code: 200 })
})

t.test('a disabled, a revoked, an expired key: 401', async t => {
  for (const [code, change] of [['key_disabled', 'is_active = false'], ['key_revoked', 'revoked_at = now()'], ['key_expired', "expires_at = now() - interval '1 day'"]] as const) {
    const { key, apiKey } = await gateway.createKey({ scopes: ['all:use'] })
    await gateway.database.pool.query(`update api_keys set ${change} where id = $1`, [apiKey.id])
    const answer = await send(`${url}/state`, { headers: { 'x-api-key': key } })
    t.match(answer, { status: 401, code })
    t.match(await rowOf(String(answer.headers['x-request-id'])), { ...expected, api_key_id: apiKey.id, endpoint: '/state', status_code: 401 })
  }
})

t.test('a body over the bound: 413, announced or not', async t => {
  const announced = await send(`${url}/large`, { method: 'POST', headers, body: 'x'.repeat(1025) })
  t.equal(announced.status, 413)
  t.match(await rowOf(String(announced.headers['x-request-id'])), { ...expected, method: 'POST', status_code: 413 })
  const client = await connectTo(t, url)
  client.write(`POST /large HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${front.key}\r\nx-request-id: grows\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n${'x'.repeat(1025)}\r\n0\r\n\r\n`)
  await client.closed()
  t.match(await rowOf('grows'), { ...expected, method: 'POST', status_code: 413 })
})

t.test('an upstream that breaks, that hangs, that dies in the middle: 502, 504, 502', async t => {
  const broken = await send(`${url}/breaks`, { headers })
  t.equal(broken.status, 502)
  t.match(await rowOf(String(broken.headers['x-request-id'])), { ...expected, status_code: 502 })
  const hanging = await send(`${url}/hangs`, { headers })
  t.equal(hanging.status, 504)
  const row = await rowOf(String(hanging.headers['x-request-id']))
  t.match(row, { ...expected, status_code: 504 })
  await t.rejects(send(`${url}/dies`, { headers: { ...headers, 'x-request-id': 'dies' } }))
  t.match(await rowOf('dies'), { ...expected, status_code: 502 })
})

t.test('a client that left: 499', async t => {
  const client = await connectTo(t, url)
  const arrived = new Promise(resolve => upstream.server.once('request', resolve))
  client.write(`GET /hangs HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${front.key}\r\nx-request-id: left\r\n\r\n`)
  await arrived
  client.socket.destroy()
  t.match(await rowOf('left'), { ...expected, status_code: 499 })
})

t.test('requests one after the other on one connection', async t => {
  const client = await connectTo(t, url)
  const one = (id: string) => `GET /pipelined HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${front.key}\r\nx-request-id: ${id}\r\n\r\n`
  client.write(one('first') + one('second') + one('third'))
  for (const id of ['first', 'second', 'third']) t.match(await rowOf(id), { ...expected, endpoint: '/pipelined', status_code: 200 })
})

t.test('no row without a proven key, and none beside these', async t => {
  const key = front.key
  const unproven: [string, Record<string, string>, number][] = [
    ['/reads', {}, 401],
    ['/', { 'x-api-key': `${key.slice(0, -1)}${key.endsWith('x') ? 'y' : 'x'}` }, 401],
    ['/', { 'x-api-key': 'sk_live_' }, 401],
    ['/public', headers, 200],
    ['//', headers, 400],
    ['/', { ...headers, authorization: 'Bearer the-upstreams-own' }, 200],
    ['/-/live', headers, 200],
  ]
  for (const [path, sent, status] of unproven) {
    const answer = await send(url + path, { headers: sent })
    if (status === 200 && path === '/') count++
    t.equal(answer.status, status, path)
  }
  t.equal((await send(`${url}/reads`, { method: 'POST', headers })).status, 405)
  // Rows are written in order: with this one, all that came before are there.
  await rowOf(String((await send(`${url}/last`, { headers })).headers['x-request-id']))
  const { rows: [total] } = await gateway.database.pool.query<{ rows: number }>('select count(*)::int as rows from api_key_usage')
  t.equal(total!.rows, count)
})

t.test('last_used_at is set with them', async t => {
  const { rows: [row] } = await gateway.database.pool.query<{ last_used_at: Date | null }>('select last_used_at from api_keys where id = $1', [keyId])
  t.ok(row!.last_used_at !== null && Math.abs(row!.last_used_at.getTime() - Date.now()) < 600_000)
})
