import { kill } from 'node:process'
import t from 'tap'
import { send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers, untilWorkers } from '../workers/workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)
const gateway = await gateways.start(t)

t.test('a worker that hangs holds up one connection until it is killed; then that one is served, too', async t => {
  const ask = async () => (await send(`${gateway.url}/`, { headers: { ...gateways.headers, connection: 'close' } })).status
  const [stuck] = childrenOf(gateway, 'worker-process')
  kill(stuck!, 'SIGSTOP')
  let answered = 0
  const asked = Array.from({ length: 8 }, async () => {
    const status = await ask()
    answered++
    return status
  })
  await until(() => answered >= 7, 'all but the one that was handed to it are answered')
  t.equal((await scrape(gateway.adminUrl)).get('latchkey_workers'), 2, 'a scrape does not wait for it')
  t.ok(childrenOf(gateway, 'worker-process').includes(stuck!), 'it is still there')
  await until(() => gateway.cli.stdout.includes('a worker is stuck and is killed'), 'it is killed', { timeoutMs: 60_000 })
  t.same(await Promise.all(asked), Array.from({ length: 8 }, () => 200))
  await untilWorkers(gateway, 2)
  t.notOk(childrenOf(gateway, 'worker-process').includes(stuck!))
})
