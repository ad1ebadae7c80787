import { execFileSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import t from 'tap'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers } from './workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)
const gateway = await gateways.start(t)

t.test('a connection that a worker cannot take for want of file descriptors is passed on, and the worker gets others later', async t => {
  const ask = async (agent: Agent) => await new Promise<number | string>(resolve => {
    request(`${gateway.url}/-/live`, { agent }, response => { response.resume().once('end', () => resolve(response.statusCode ?? 0)) })
      .once('error', err => resolve(err.message)).end()
  })
  const askOften = () => Array.from({ length: 8 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    return await ask(agent)
  })
  const [starved] = childrenOf(gateway, 'worker-process')
  const limit = (files: number) => execFileSync('prlimit', ['--pid', String(starved), `--nofile=${files}:4096`])
  limit(4096)
  limit(1)
  const asked = askOften()
  await until(() => gateway.cli.stdout.includes('a connection could not be passed to a worker'), 'the connection is missed')
  limit(4096)
  t.same(await Promise.all(asked), Array.from({ length: 8 }, () => 200))
  t.same(await Promise.all(askOften()), Array.from({ length: 8 }, () => 200))
  t.same(childrenOf(gateway, 'worker-process').includes(starved!), true, 'it is still the same worker')
})
