import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { runCli } from '../../support/cli.ts'
import { send } from '../../support/http.ts'
import { until } from '../../support/until.ts'
import { startApi } from './support.ts'

const config = `
upstreams:
  inventory: { targets: ["http://127.0.0.1:9", "http://127.0.0.1:10"] }
  other: { targets: ["http://127.0.0.1:9"] }
routes:
  - { id: read, path: '/inventory/*', methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read], stripPrefix: /inventory }
  - { id: any, path: /any, upstream: other, scopes: { allOf: [b], anyOf: [inventory:read, a] } }
  - { id: public, path: /status, upstream: inventory, auth: none }
  - { id: watched, path: /watched, host: api.example.com, upstream: inventory, auth: report, scopes: [inventory:read] }
`
const api = await startApi(t, { config })
const { database } = api.gateway

t.test('the routes in force, and which scopes they name', async t => {
  const { body } = await api.call('GET', '/v1/routes')
  t.same(body, {
    data: [
      { id: 'read', path: '/inventory/*', methods: ['GET', 'HEAD'], host: null, upstream: 'inventory', targets: ['http://127.0.0.1:9', 'http://127.0.0.1:10'], auth: 'key', scopes: { allOf: ['inventory:read'], anyOf: [] } },
      { id: 'any', path: '/any', methods: null, host: null, upstream: 'other', targets: ['http://127.0.0.1:9'], auth: 'key', scopes: { allOf: ['b'], anyOf: ['inventory:read', 'a'] } },
      { id: 'public', path: '/status', methods: null, host: null, upstream: 'inventory', targets: ['http://127.0.0.1:9', 'http://127.0.0.1:10'], auth: 'none', scopes: { allOf: [], anyOf: [] } },
      { id: 'watched', path: '/watched', methods: null, host: 'api.example.com', upstream: 'inventory', targets: ['http://127.0.0.1:9', 'http://127.0.0.1:10'], auth: 'report', scopes: { allOf: ['inventory:read'], anyOf: [] } },
    ],
    scopes: [{ scope: 'a', routes: ['any'] }, { scope: 'b', routes: ['any'] }, { scope: 'inventory:read', routes: ['read', 'any', 'watched'] }],
  })
})

t.test('a verdict is what the command gives', async t => {
  const { apiKey } = await api.create()
  const { apiKey: off } = await api.create({ scopes: ['*'] })
  await api.call('POST', `/v1/keys/${off.id}/revoke`)
  const questions: [string, string, Record<string, unknown>, ...string[]][] = [
    ['GET', '/inventory/42?x=1', { scopes: ['inventory:*'] }, '--scopes', 'inventory:*'],
    ['GET', '/inventory/42', {}],
    ['POST', '/inventory/42', { scopes: ['*'] }, '--scopes', '*'],
    ['GET', '/inventory//42', { scopes: ['*'] }, '--scopes', '*'],
    ['GET', '/watched', { host: 'api.example.com' }, '--host', 'api.example.com'],
    ['GET', '/watched', { host: 'other.example.com' }, '--host', 'other.example.com'],
    ['GET', '/any', { keyId: apiKey.id }, '--key-prefix', String(apiKey.id)],
    ['GET', '/inventory/1', { keyId: apiKey.id }, '--key-prefix', String(apiKey.id)],
    ['GET', '/inventory/1', { keyId: off.id }, '--key-prefix', String(off.id)],
    ['GET', '/status', { keyId: off.id }, '--key-prefix', String(off.id)],
    ['GET', '/nothing', {}],
  ]
  const cwd = t.testdir({})
  for (const [method, path, more, ...args] of questions) {
    const { body: { key, ...verdict } } = await api.call<{ key: { userEmail: string } | null }>('POST', '/v1/explain', { body: { method: method.toLowerCase(), path, ...more } })
    const { userEmail = 'ada@example.com', ...keyAsCommanded } = key ?? {}
    const body = { ...verdict, key: key === null ? null : keyAsCommanded }
    t.equal(userEmail, 'ada@example.com')
    const { stdout, stderr } = await runCli(['config', 'explain', '--json', '--config', api.gateway.configFile, '--method', method, '--path', path, ...args], { cwd, env: { DATABASE_URL: database.url } })
    t.same(body, JSON.parse(stdout || `"${stderr}"`), `${method} ${path} ${JSON.stringify(more)}`)
  }
})

t.test('a verdict is what the gateway does', async t => {
  for (const [method, path] of [['GET', '/inventory/1'], ['POST', '/inventory/1'], ['GET', '/nothing'], ['GET', '/inventory//1'], ['GET', '/any']] as const) {
    const { body } = await api.call('POST', '/v1/explain', { body: { method, path } })
    const { status, code } = await send(api.gateway.url + path, { method })
    t.same([body.status, body.code], [status, code], `${method} ${path}`)
  }
  t.equal((await api.call('POST', '/v1/explain', { body: { method: 'GET', path: '/', keyId: 999_999 } })).code, 'key_not_found')
})

t.test('both follow the configuration file', async t => {
  const text = await readFile(api.gateway.configFile, 'utf8')
  await writeFile(api.gateway.configFile, text.replace('id: public, path: /status', 'id: moved, path: /health').replace('http://127.0.0.1:10', 'http://127.0.0.1:11'))
  api.gateway.server.reload()
  const { body } = await api.call('GET', '/v1/routes')
  t.match(body.data[2], { id: 'moved', path: '/health', targets: ['http://127.0.0.1:9', 'http://127.0.0.1:11'] })
  const verdict = async (path: string) => (await api.call('POST', '/v1/explain', { body: { method: 'GET', path } })).body
  t.match([await verdict('/health'), await verdict('/status')], [{ status: null, routeId: 'moved' }, { status: 404 }])

  await writeFile(api.gateway.configFile, 'routes: [')
  api.gateway.server.reload()
  t.same((await api.call('GET', '/v1/routes')).body, body, 'a faulty file changes nothing')
  await writeFile(api.gateway.configFile, text)
  await until(async () => (await verdict('/status')).routeId === 'public', 'the mended file is in force')
})
