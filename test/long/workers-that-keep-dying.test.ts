import { kill } from 'node:process'
import t from 'tap'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers, untilWorkers } from '../workers/workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)
const gateway = await gateways.start(t)

t.test('one that keeps dying is tried again less and less often', async t => {
  // Each is killed as soon as it is there: after the second death in a row the next try waits.
  for (let deaths = 0; deaths < 5; deaths++) {
    await untilWorkers(gateway, 2)
    const newest = Math.max(...childrenOf(gateway, 'worker-process'))
    kill(newest, 'SIGKILL')
    await until(() => !childrenOf(gateway, 'worker-process').includes(newest), 'it has ended')
  }
  await until(() => gateway.cli.stdout.split('\n').filter(line => line.includes('a worker ended and is replaced')).length >= 5, 'all deaths are told')
  const waits = gateway.cli.stdout.split('\n').filter(line => line.includes('a worker ended and is replaced')).map(line => JSON.parse(line) as { deathsInARow: number, nextTryMs: number })
  for (const { deathsInARow, nextTryMs } of waits) t.equal(nextTryMs > 0, deathsInARow > 1, `after ${deathsInARow}: ${nextTryMs} ms`)
  await untilWorkers(gateway, 2)
})
