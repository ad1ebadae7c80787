import { once } from 'node:events'
import { Agent, request } from 'node:http'
import t, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import { frontConfig } from '../support/front.ts'
import { startGateway } from '../support/gateway.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'
import { echo, WebSocketClient } from '../support/websocket.ts'

// Busy machines are slow; what was measured is printed.
const boundMs = 5_000

/** WebSockets are echoed; else what the path says: an event stream, a download, an upload taken in, or no answer at all. */
const upstream = await startRawUpstream(t, (request, response) => {
  switch (request.url) {
    case '/events': {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write('data: tick\n\n'), 20)
      response.on('close', () => clearInterval(timer))
      return
    }
    case '/download':
      response.writeHead(200, { 'content-length': '1000000' })
      response.write('x')
      return
    case '/upload':
      request.resume()
  }
})
const webSockets = new WebSocketServer({ server: upstream.server })
webSockets.on('connection', echo)
const database = await createDatabase(t)
const config = frontConfig(upstream.url, {
  sections: 'keys: { bcryptCost: 4, environments: [live], cache: { ttl: 1h } }\nusage: { flushEvery: 100ms }\n',
  routes: ["id: reported, path: '/reported/*', auth: report, scopes: ['all:use']"],
})
const gateway = await startGateway(t, { config, database })
const sql = (statement: string, values: unknown[] = []) => database.pool.query(statement, values)

const changes: [change: string, code: string, reason: string, closeCode: number, status: number][] = [
  ['update api_keys set revoked_at = now() where id = $1', 'key_revoked', 'key revoked', 1008, 401],
  ['update api_keys set is_active = false where id = $1', 'key_disabled', 'key disabled', 1008, 401],
  ['delete from api_keys where id = $1', 'invalid_key', 'key no longer valid', 1008, 401],
  ["update api_keys set key_hash = '$2b$04$' || repeat('x', 53) where id = $1", 'invalid_key', 'key no longer valid', 1008, 401],
  ["update api_keys set environment = 'test' where id = $1", 'invalid_key', 'key no longer valid', 1008, 401],
  ["update api_keys set scopes = '{other:use}' where id = $1", 'insufficient_scope', 'insufficient scope', 1008, 403],
  ['update api_keys set expires_at = now() where id = $1', 'key_expired', 'key expired', 1008, 401],
  ["update api_keys set expires_at = now() + interval '700 milliseconds' where id = $1", 'key_expired', 'key expired', 1008, 401],
]

t.test('whatever ends the key ends its streams, and those of no other key', async t => {
  const stays = await openAll(t, (await newKey()).key, 'stays')
  for (const [change, code, reason, closeCode, status] of changes) {
    const { key, id } = await newKey()
    const streams = await openAll(t, key, `${code}-${id}`)
    const changedAtMs = performance.now()
    await sql(change, [id])
    const closed = await streams.socket.ended()
    const socketMs = performance.now() - changedAtMs
    t.same(closed, { code: closeCode, reason }, change)
    await Promise.all([streams.events.broken, streams.download.broken, streams.upload.broken, streams.waiting.answered])
    const allMs = performance.now() - changedAtMs
    t.ok(allMs < boundMs, `after ${allMs.toFixed(0)} ms`)
    t.comment(`WebSocket closed after ${socketMs.toFixed(0)} ms, all after ${allMs.toFixed(0)} ms`)
    t.same([streams.events.isComplete, streams.download.isComplete], [false, false], 'nothing looks complete')
    t.match(streams.waiting, { status, text: new RegExp(code) }, 'what had no answer yet is refused')
    if (!change.startsWith('delete')) {
      const hasRow = async (path: string, recorded: number) => (await usageRows(gateway, path)).some(row => row.api_key_id === id && row.status_code === recorded)
      await until(() => hasRow('/socket', 101), 'the WebSocket is recorded')
      await until(() => hasRow('/events', status), 'the broken stream is recorded with the reason')
    }
  }
  stays.socket.socket.send('still here')
  await until(() => stays.socket.messages.length === 1, 'the other key goes on')
  const before = stays.events.bytes
  await until(() => stays.events.bytes > before, 'so do its events')
  t.same([stays.download.isBroken, stays.upload.isBroken, stays.waiting.status], [false, false, null])
})

t.test('a change that takes nothing away ends nothing, and every key can be meant', async t => {
  const { key, id } = await newKey()
  const { socket } = await openAll(t, key, 'unchanged')
  await sql("update api_keys set name = 'renamed', scopes = '{all:*}', expires_at = now() + interval '1 hour' where id = $1", [id])
  const other = await newKey()
  const gone = await openAll(t, other.key, 'gone')
  await sql('update api_keys set revoked_at = now() where id = $1', [other.id])
  await gone.socket.ended()
  socket.socket.send('still here')
  await until(() => socket.messages.length === 1, 'it goes on')
  const many = await Promise.all(Array.from({ length: 3 }, async () => await new WebSocketClient(t, gateway.url, { headers: { 'x-api-key': key } }).opened()))
  await sql('truncate api_keys cascade')
  for (const client of [socket, ...many]) t.match(await client.ended(), { code: 1008 })
})

t.test('a key that only a reporting route let in ends nothing there', async t => {
  const { key, id } = await newKey()
  const reported = await new WebSocketClient(t, `${gateway.url}/reported/1`, { headers: { 'x-api-key': key } }).opened()
  const kept = await new WebSocketClient(t, gateway.url, { headers: { 'x-api-key': key } }).opened()
  await sql('update api_keys set revoked_at = now() where id = $1', [id])
  await kept.ended()
  reported.socket.send('hello')
  await until(() => reported.messages.length === 1, 'it goes on')
  t.pass('as a request without a key would')
})

t.test('without notifications the store is asked, and while it is away streams go on', async t => {
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  // A pooler's URL would do the same: nothing is ever heard.
  await sql('alter table api_keys disable trigger latchkey_notify_update')
  t.teardown(async () => { await sql('alter table api_keys enable always trigger latchkey_notify_update') })
  const deaf = await startGateway(t, { config, database, databaseUrl: proxy.through(database.url), pepper: gateway.pepper })
  const { key, id } = await newKey()
  const client = await new WebSocketClient(t, deaf.url, { headers: { 'x-api-key': key } }).opened()
  await proxy.cut()
  await until(() => deaf.logs.some(line => line.includes('Not listening')), 'the outage is noticed')
  await sql('update api_keys set revoked_at = now() where id = $1', [id])
  client.socket.send('still here')
  await until(() => client.messages.length === 1, 'a cached key goes on')
  await proxy.resume()
  t.same(await client.ended(), { code: 1008, reason: 'key revoked' }, 'after the outage it is asked for again')
})

t.test('an outage that outlasts serveCachedFor ends them', async t => {
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const brief = config.replace('cache: { ttl: 1h }', 'cache: { ttl: 1s }, whenStoreIsDown: { serveCachedFor: 1s }')
  const alone = await startGateway(t, { config: brief, database, databaseUrl: proxy.through(database.url), pepper: gateway.pepper })
  const { key } = await newKey()
  const client = await new WebSocketClient(t, alone.url, { headers: { 'x-api-key': key } }).opened()
  await proxy.cut()
  t.same(await client.ended(), { code: 1013, reason: 'key cannot be checked' })
  await proxy.resume()
})

async function newKey (): Promise<{ key: string, id: number }> {
  const { key, apiKey } = await gateway.createKey({ scopes: ['all:use'] })
  return { key, id: apiKey.id }
}

async function openAll (t: Test, key: string, name: string) {
  const headers = { 'x-api-key': key, 'x-request-id': name }
  const socket = await new WebSocketClient(t, `${gateway.url}/socket`, { headers }).opened()
  const events = begin(t, '/events', headers)
  const download = begin(t, '/download', headers)
  const upload = begin(t, '/upload', headers, 'POST')
  const waiting = begin(t, '/waiting', headers)
  await until(() => events.bytes > 0 && download.bytes > 0, 'the streams have begun')
  return { socket, events, download, upload, waiting }
}

function begin (t: Test, path: string, headers: Record<string, string>, method = 'GET') {
  const agent = new Agent()
  const outgoing = request(gateway.url + path, { method, headers, agent })
  const state = { status: null as number | null, text: '', bytes: 0, isComplete: false, isBroken: false, broken: Promise.resolve(), answered: Promise.resolve() }
  state.broken = new Promise(resolve => {
    const end = (): void => {
      state.isBroken = true
      resolve()
    }
    outgoing.on('error', end)
    outgoing.on('response', response => {
      state.status = response.statusCode!
      response.on('data', (chunk: Buffer) => {
        state.bytes += chunk.length
        if (state.status! >= 400) state.text += chunk
      })
      response.on('error', () => {})
      response.on('close', () => {
        state.isComplete = response.complete
        end()
      })
    })
  })
  state.answered = once(outgoing, 'response').then(async () => await state.broken)
  state.answered.catch(() => {})
  t.teardown(() => {
    outgoing.destroy()
    agent.destroy()
  })
  if (method === 'POST') outgoing.write('a piece')
  else outgoing.end()
  return state
}
