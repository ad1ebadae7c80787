import { readFile, rename, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'

t.test('an edited file is in force at once, and whole', async t => {
  const [one, two] = [await startUpstream(t, (_, response) => { response.end('one') }), await startUpstream(t, (_, response) => { response.end('two') })]
  const config = (url: string, path: string, scope: string) => `
upstreams: { u: { targets: ["${url}"] } }
routes:
  - { id: r, path: /${path}, scopes: [${scope}], upstream: u }
`
  const { gateway, use, lastReload } = await start(t, config(one.url, 'old', 'old'))
  t.equal((await use('/old')).text, 'one')
  t.equal((await use('/new')).status, 404)
  const key = (await gateway.createKey({ scopes: ['old'] })).key
  t.equal((await use('/old', key)).status, 200)

  const text = await readFile(gateway.configFile, 'utf8')
  await writeFile(gateway.configFile, text.slice(0, text.indexOf('upstreams:')) + config(two.url, 'new', 'new'))
  gateway.server.reload()
  t.equal((await use('/new')).text, 'two')
  t.equal((await use('/old')).status, 404, 'the old route is gone')
  t.equal((await use('/new', key)).code, 'insufficient_scope')
  t.equal(await lastReload(), '1')

  t.test('without a signal too, also when the file is replaced', async t => {
    const edited = (await readFile(gateway.configFile, 'utf8')).replace('path: /new', 'path: /newer')
    await writeFile(gateway.configFile, edited)
    await until(async () => (await use('/newer')).status === 200, 'the edited file is in force')
    await writeFile(`${gateway.configFile}.next`, edited.replace('/newer', '/newest'))
    await rename(`${gateway.configFile}.next`, gateway.configFile)
    await until(async () => (await use('/newest')).status === 200, 'the file that took its place is in force')
    t.equal((await use('/newer')).status, 404)
  })
})

t.test('a faulty file leaves the old one in force', async t => {
  const upstream = await startUpstream(t)
  const { gateway, use, lastReload } = await start(t, `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: r, path: /kept, upstream: u }
`)
  const good = await readFile(gateway.configFile, 'utf8')
  const faulty = {
    'not YAML': 'routes: [',
    empty: '',
    'an unknown upstream': good.replace('upstream: u ', 'upstream: other '),
    'an unknown key': `${good}surprise: true\n`,
    'two routes alike': `${good}  - { id: s, path: /kept, upstream: u }\n`,
    'a bad scope': good.replace('path: /kept', 'path: /changed, scopes: ["A B"]'),
  }
  for (const [fault, text] of Object.entries(faulty)) {
    gateway.logs.length = 0
    await writeFile(gateway.configFile, text)
    gateway.server.reload()
    t.equal(await lastReload(), '0', fault)
    t.equal((await use('/kept')).status, 200)
    t.equal((await use('/changed')).status, 404)
    t.match(gateway.logs.join(''), /gateway\.yaml:\d+:\d+/, 'the log says where')
  }
  await writeFile(gateway.configFile, good)
  gateway.server.reload()
  t.equal(await lastReload(), '1', 'mended')

  await writeFile(gateway.configFile, good.replace('bcryptCost: 4', 'bcryptCost: 5').replace('/kept', '/moved'))
  gateway.logs.length = 0
  gateway.server.reload()
  t.match(gateway.logs.join(''), /"sections":\["keys"\].*next start/, 'what waits for the next start is said')
  t.equal((await use('/moved')).status, 200)
})

t.test('a request under way keeps the route and the upstream that it matched', async t => {
  let answer = () => {}
  const slow = await startRawUpstream(t, (_, response) => {
    response.writeHead(200)
    response.write('begun ')
    answer = () => response.end('and ended')
  })
  const { gateway, key, use } = await start(t, `
upstreams: { old: { targets: ["${slow.url}"] } }
routes:
  - { id: old-route, path: /slow, upstream: old }
`)
  const answered = send(`${gateway.url}/slow`, { headers: { 'x-api-key': key } })
  const begun = answer
  await until(() => answer !== begun, 'the request is under way')
  const fresh = await startUpstream(t, (_, response) => { response.end('fresh') })
  const text = await readFile(gateway.configFile, 'utf8')
  await writeFile(gateway.configFile, `${text.slice(0, text.indexOf('upstreams:'))}
upstreams: { new: { targets: ["${fresh.url}"] } }
routes:
  - { id: new-route, path: /fast, upstream: new }
`)
  gateway.server.reload()
  t.equal((await use('/fast')).text, 'fresh')
  t.equal((await use('/slow')).status, 404)
  answer()
  t.match(await answered, { status: 200, text: 'begun and ended' })
  await until(async () => {
    const { rows } = await gateway.database.pool.query("select from api_key_usage where route = 'old-route'")
    return rows.length === 1
  }, 'it is recorded under its own route')
})

async function start (t: Test, config: string) {
  const gateway = await startGateway(t, { config })
  const { key } = await gateway.createKey({ scopes: ['*'] })
  return {
    gateway,
    key,
    use: (path: string, as = key) => send(gateway.url + path, { headers: { 'x-api-key': as } }),
    lastReload: async () => /^latchkey_config_last_reload_success (\d)$/m.exec((await send(`${gateway.adminUrl}/metrics`)).text)?.[1],
  }
}
