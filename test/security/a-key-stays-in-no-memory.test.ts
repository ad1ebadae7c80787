import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('once its requests were answered, a key is in no string of the process, also while its connection stays open', async t => {
  const upstream = await startUpstream(t)
  const gateways = await prepareGatewayProcesses(t, `
upstreams: { target: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: /*, upstream: target, scopes: ['all:use'] }]
`)
  const key = (await gateways.createKeys([{}]))[0]!.key
  const unknown = generateKey({ brand: 'sk', environment: 'live' })
  const folder = t.testdir()
  const { cli, url } = await gateways.start(t, { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}` })
  const clients = await Promise.all(Array.from({ length: 6 }, async () => await connectTo(t, url)))
  for (const [i, secret] of [key, key, unknown, `${unknown}x`, key, unknown].entries()) {
    const path = `/an-endpoint-that-is-longer-than-a-word/${i}`
    clients[i]!.write(`${i === 1 ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: gateway-with-a-long-name.test\r\nUser-Agent: an agent with a long name ${i}\r\nX-A-Header-Of-Its-Own-${i}: of some length\r\nx-request-id: a-request-id-that-is-long-${i}\r\n${i === 4 ? `Authorization: Bearer ${secret}` : `x-api-key: ${secret}`}\r\nContent-Length: ${i === 1 ? 4 : 0}\r\n\r\n${i === 1 ? 'body' : ''}`)
    await clients[i]!.sees('\r\n\r\n')
  }
  // V8 itself remembers the text that a regular expression has matched last.
  for (let i = 0; i < 10; i++) await send(`${url}/other`, { headers: gateways.headers })

  cli.child.kill('SIGUSR2')
  const written = () => readdirSync(folder).filter(name => name.endsWith('.heapsnapshot'))
  const snapshot = () => readFileSync(join(folder, written()[0]!), 'utf8')
  await until(() => written().length > 0 && snapshot().endsWith(']}'), 'the snapshot is complete')
  const text = snapshot()
  t.ok(clients.every(({ isClosed }) => !isClosed))
  t.ok(text.includes('an agent with a long name'), 'texts of requests would be found there')
  for (const secret of [key, unknown]) t.notOk(text.includes(secret.slice(8)), 'no key')
})
