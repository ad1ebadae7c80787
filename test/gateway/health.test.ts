import t from 'tap'
import { startFront } from '../support/front.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { ask } from '../support/raw-http.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('the health endpoints are the gateway\'s own', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url, headers } = await startFront(t, upstream.url)
  gateway.logs.length = 0
  for (const [path, text] of [['/-/live', 'live\n'], ['/-/ready', 'ready\n'], ['/-/live?x=1', 'live\n']] as const) {
    const answer = await send(url + path)
    t.match(answer, { status: 200, text }, 'no key is needed')
    t.match(answer.headers, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'x-request-id': /./ })
    t.match(await send(url + path, { method: 'HEAD' }), { status: 200, text: '' })
    t.match(await send(url + path, { method: 'POST', headers, body: 'x' }), { status: 405, code: 'method_not_allowed', headers: { allow: 'GET, HEAD' } })
  }
  for (const path of ['/-/', '/-/Live', '/-/live/', '/-/metrics', '/-/ready/x', '/-/%6cive']) {
    t.match(await send(url + path, { headers }), { status: 404, code: 'route_not_found' }, `${path} is nothing, and no route's either`)
  }
  t.equal((await ask(url, { target: '/-/live', version: '1.0', headers: [] })).status, 200, 'probes that name no host')
  t.equal((await send(`${url}/-`, { headers })).status, 200, '/- is a path like any other')
  t.same(upstream.seen.map(({ url }) => url), ['/-'])
  const { text } = await send(`${gateway.adminUrl}/metrics`)
  t.notMatch(text, /latchkey_requests_total\{route="none",method="(GET|HEAD)",code="200"\}/, 'probes are no traffic')
  t.notOk(gateway.logs.some(line => line.includes('"status":200') && line.includes('"/-/')), 'and aren\'t logged')
})

t.test('a gateway whose database is away at its start becomes ready when it comes', async t => {
  const upstream = await startUpstream(t)
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  await proxy.cut()
  const gateway = await startGateway(t, {
    config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: all, path: /*, upstream: u }
  - { id: public, path: /public, auth: none, upstream: u }
`,
    database,
    databaseUrl: proxy.through(database.url),
    awaitsReady: false,
  })
  t.teardown(() => proxy.resume())
  const { key } = await gateway.createKey()
  const use = () => send(`${gateway.url}/x`, { headers: { 'x-api-key': key } })

  t.match(await send(`${gateway.url}/-/live`), { status: 200, text: 'live\n' })
  const notReady = await send(`${gateway.url}/-/ready`)
  t.match(notReady, { status: 503, text: 'not ready\n' })
  t.match(notReady.headers['retry-after'], /^[1-9]/)
  t.equal((await send(`${gateway.adminUrl}/healthz`)).status, 200)
  t.equal((await send(`${gateway.adminUrl}/readyz`)).status, 503)
  t.match(await use(), { status: 503, code: 'key_store_unavailable' })
  t.equal((await send(`${gateway.url}/public`)).status, 200, 'public routes need no database')

  await proxy.resume()
  await until(async () => (await send(`${gateway.url}/-/ready`)).status === 200, 'ready', { timeoutMs: 30_000 })
  t.equal((await send(`${gateway.adminUrl}/readyz`)).status, 200)
  await until(async () => (await use()).status === 200, 'keys are served')

  await proxy.cut()
  await until(async () => /latchkey_key_store_up 0/.test((await send(`${gateway.adminUrl}/metrics`)).text) || (await use()).status !== 200, 'the outage is noticed')
  t.equal((await send(`${gateway.url}/-/ready`)).status, 200, 'a later outage doesn\'t change it')
})
