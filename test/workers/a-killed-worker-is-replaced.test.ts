import { Agent, request } from 'node:http'
import { kill } from 'node:process'
import t from 'tap'
import { isBalanced, scrape, usageBooks } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers, sumOf } from './workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)
const gateway = await gateways.start(t)

async function ask (agent: Agent): Promise<number | string> {
  return await new Promise(resolve => {
    request(`${gateway.url}/`, { agent, headers: gateways.headers }, response => {
      response.resume().once('close', () => resolve(response.complete ? response.statusCode ?? 0 : 'broken off'))
    }).once('error', (err: NodeJS.ErrnoException) => resolve(err.code ?? err.message)).end()
  })
}

t.test('a worker killed under load is replaced; the others go on, counters never fall, the books balance', async t => {
  const over = new AbortController()
  const outcomes = new Map<string, number>()
  const clients = Array.from({ length: 6 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let failures = 0
    while (!over.signal.aborted) {
      const outcome = String(await ask(agent))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (outcome !== '200') failures++
    }
    agent.destroy()
    return failures
  })
  await until(() => (outcomes.get('200') ?? 0) > 100, 'the gateway is under load')
  const before = await scrape(gateway.adminUrl)
  const [victim, ...others] = childrenOf(gateway, 'worker-process')
  kill(victim!, 'SIGKILL')
  let seen = before
  const fallen: string[] = []
  let balanced = true
  await until(async () => {
    const series = await scrape(gateway.adminUrl)
    for (const [name, value] of seen) {
      if (/^(latchkey_.*(_total|_count|_bucket)|process_cpu_.*_total)(\{|$)/.test(name) && !(series.get(name)! >= value)) fallen.push(`${name}: ${value}, then ${series.get(name)}`)
    }
    seen = series
    balanced &&= isBalanced(await usageBooks(gateway.adminUrl))
    return series.get('latchkey_worker_restarts_total') === 1 && series.get('latchkey_workers') === 2
  }, 'it is replaced', { timeoutMs: 60_000 })
  over.abort()
  const failures = await Promise.all(clients)
  t.same(fallen, [], 'no counter fell')
  t.ok(balanced, 'the books balanced in every scrape')
  t.ok(failures.every(count => count <= 1), 'a client lost at most the one request that the worker had under way', { outcomes: [...outcomes] })
  t.ok(sumOf(seen, 'latchkey_requests_total{route="all"') >= sumOf(before, 'latchkey_requests_total{route="all"'))
  t.ok(others.every(pid => childrenOf(gateway, 'worker-process').includes(pid)), 'the other worker is the same as before')
  t.match(gateway.cli.stdout, /"reason":"signal SIGKILL".*a worker ended and is replaced/)
})

t.test('a connection that was on its way to a worker that is killed is served by another', async t => {
  const replaced = (await scrape(gateway.adminUrl)).get('latchkey_worker_restarts_total')!
  const [victim] = childrenOf(gateway, 'worker-process')
  kill(victim!, 'SIGSTOP')
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  let answered = 0
  const outcomes = agents.map(async agent => {
    const outcome = await ask(agent)
    answered++
    return outcome
  })
  await until(() => answered === 3, 'all but the one that was passed to it are answered')
  kill(victim!, 'SIGKILL')
  t.same(await Promise.all(outcomes), [200, 200, 200, 200])
  for (const agent of agents) agent.destroy()
  await until(async () => {
    const series = await scrape(gateway.adminUrl)
    return series.get('latchkey_worker_restarts_total') === replaced + 1 && series.get('latchkey_workers') === 2
  }, 'it is replaced', { timeoutMs: 60_000 })
})

t.test('killed, the primary takes its workers with it', async t => {
  const workers = childrenOf(gateway, 'worker-process')
  gateway.cli.child.kill('SIGKILL')
  await gateway.cli.ended()
  const isAlive = (pid: number) => {
    try {
      return kill(pid, 0)
    } catch {
      return false
    }
  }
  await until(() => !workers.some(isAlive), 'they have ended')
  t.equal(workers.length, 2)
})
