import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

/** An upstream that is a process of its own, to be stopped. */
async function spawnUpstream (t: Test): Promise<{ readonly url: string, readonly port: number, readonly signal: (name: NodeJS.Signals) => void }> {
  const child = spawn(process.execPath, ['-e', `
    const server = require('node:http').createServer((request, response) => response.end('ok'))
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))
  `], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line') as [string]
  return { url: `http://127.0.0.1:${line}`, port: Number(line), signal: name => child.kill(name) }
}

/** Resolves once requests are answered again; the promise is within five seconds, the bound leaves a busy machine more. */
async function recovers (t: Test, url: string): Promise<void> {
  const startMs = Date.now()
  await until(async () => (await send(`${url}/back`)).status === 200, 'requests are answered again', { timeoutMs: 15_000 })
  t.comment(`answered again after ${Date.now() - startMs} ms`)
  for (let i = 0; i < 20; i++) t.equal((await send(`${url}/${i}`, { method: i % 2 === 0 ? 'GET' : 'POST' })).status, 200)
}

const frozen = await spawnUpstream(t)
const full = await spawnUpstream(t)
const well = await startUpstream(t)
const sick = await startUpstream(t)
const proxies = { sick: await proxyTo(sick.url), reset: await proxyTo(well.url), dead: await proxyTo(well.url) }
t.teardown(() => Promise.all(Object.values(proxies).map(proxy => proxy.close())))
const upstreams: Record<string, string> = {
  frozen: `targets: ['${frozen.url}'], headersTimeout: 1s, connectTimeout: 1s, retries: 0`,
  full: `targets: ['${full.url}'], connectTimeout: 1s, retries: 1`,
  half: `targets: ['${well.url}', 'http://127.0.0.1:${proxies.sick.port}'], retries: 1`,
  reset: `targets: ['http://127.0.0.1:${proxies.reset.port}'], retries: 1`,
  dead: `targets: ['http://127.0.0.1:${proxies.dead.port}'], headersTimeout: 1s, retries: 0`,
  nameless: "targets: ['http://nobody.invalid:9'], connectTimeout: 5s, retries: 0",
  named: `targets: ['http://nobody.invalid:9', '${well.url}'], connectTimeout: 5s, retries: 1`,
}
const { url } = await startGateway(t, {
  config: `
upstreams:
${Object.entries(upstreams).map(([name, settings]) => `  ${name}: { ${settings} }`).join('\n')}
routes:
${Object.keys(upstreams).map(name => `  - { id: ${name}, path: '/${name}/*', upstream: ${name}, auth: none }`).join('\n')}
`,
})

const scenarios: { readonly name: string, readonly run: (t: Test) => Promise<void> }[] = []
function scenario (name: string, run: (t: Test) => Promise<void>): void {
  scenarios.push({ name, run })
}

scenario('an upstream that is frozen is a 504, and serves again once it thaws', async t => {
  t.equal((await send(`${url}/frozen/`)).status, 200)
  frozen.signal('SIGSTOP')
  for (const answer of await Promise.all([1, 2, 3].map(async i => await send(`${url}/frozen/${i}`)))) t.match(answer, { status: 504, code: 'upstream_timeout' })
  frozen.signal('SIGCONT')
  await recovers(t, `${url}/frozen`)
})

scenario('an upstream that accepts no connection is a 504 after connectTimeout', async t => {
  full.signal('SIGSTOP')
  const fillers = Array.from({ length: 8 }, () => connect(full.port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => fillers.forEach(socket => socket.destroy()))
  await until(() => fillers.filter(({ readyState }) => readyState === 'open').length >= 2, 'its backlog is full')
  t.match(await send(`${url}/full/`), { status: 504, code: 'upstream_timeout' })
  for (const socket of fillers) socket.destroy()
  full.signal('SIGCONT')
  await recovers(t, `${url}/full`)
})

scenario('with one of two targets gone, what may be repeated is served, and the rest is a 502', async t => {
  for (let i = 0; i < 10; i++) t.equal((await send(`${url}/half/${i}`)).status, 200)
  await proxies.sick.cut()
  const gets = await Promise.all(Array.from({ length: 40 }, async (_, i) => await send(`${url}/half/${i}`)))
  t.same(gets.filter(({ status }) => status !== 200), [], 'every GET is answered')
  const posts = []
  for (let i = 0; i < 20; i++) posts.push((await send(`${url}/half/${i}`, { method: 'POST' })).status)
  t.same([...new Set(posts)].sort(), [200, 502])
  await proxies.sick.resume()
  const { length } = sick.seen
  await recovers(t, `${url}/half`)
  t.ok(sick.seen.length > length, 'by both')
})

scenario('connections that are reset while they idle cost nothing that may be repeated', async t => {
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 10 }, async () => await send(`${url}/reset/`)))
    proxies.reset.reset()
    t.equal((await send(`${url}/reset/`)).status, 200)
  }
  await recovers(t, `${url}/reset`)
})

scenario('an upstream whose network is dead is a 504, and kept connections into it are not used again', async t => {
  t.equal((await send(`${url}/dead/`)).status, 200)
  proxies.dead.stall()
  t.match(await send(`${url}/dead/`), { status: 504, code: 'upstream_timeout' })
  await proxies.dead.resume()
  await recovers(t, `${url}/dead`)
})

scenario('a name that does not resolve is a 502, and no loss where there is another target', async t => {
  const { status } = await send(`${url}/nameless/`)
  t.ok(status === 502 || status === 504, 'or a 504 where the resolver is slow', { status })
  for (let i = 0; i < 4; i++) t.equal((await send(`${url}/named/${i}`)).status, 200)
})

t.test('side by side, as each of them is mostly waiting', async t => {
  await Promise.all(scenarios.map(async ({ name, run }) => {
    await run(t)
    t.pass(name)
  }))
})
