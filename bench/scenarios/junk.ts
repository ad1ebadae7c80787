import { randomBytes } from 'node:crypto'
import { generateKey } from '../../src/keys/format.ts'
import type { Bench } from '../bench.ts'
import { generate } from '../load/generator-client.ts'
import type { Job, Outcome, Pace } from '../load/job.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import type { Peer, RunningPeer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'

const junkAddress = '127.0.0.2'
const goodPerSecond = 500
const junkPerSecond = 3_000
const junkKeys = 20_000
/** Beyond the budget each answer is held back for a second, and its connection with it: it takes many to send many. */
const connections = { within: 32, beyond: 1_000, flood: 3_200 }

type From = Pick<Job, 'localAddress' | 'connections'>

interface Cost {
  readonly what: string
  readonly cpuMicros: number
  readonly outcome: Outcome
}

/** Junk keys: what one costs beside a good request, and what a flood of them does to good traffic. */
export async function measureJunk (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const malformed = bench.writeKeys('malformed', Array.from({ length: junkKeys }, () => `sk_live_${randomBytes(19).toString('hex')}`))
  const unknown = bench.writeKeys('unknown', Array.from({ length: junkKeys }, () => generateKey({ brand: 'sk', environment: 'live' })))
  const kinds = [['wrong checksum', malformed], ['well-formed, nobody has it', unknown]] as const
  const costs: Cost[] = []
  const floods: { what: string, good: Outcome, junk: Outcome | null }[] = []
  for (const [budget, failures, junkConnections] of [['beyond the budget', 100, connections.beyond], ['within the budget', 1_000_000, connections.within]] as const) {
    const junkFrom = { localAddress: junkAddress, connections: junkConnections }
    const floodFrom = { localAddress: junkAddress, connections: Math.max(junkConnections, connections.flood) }
    const running = await peer.start(bench, { gateway: { failures } })
    try {
      const settled: Pace = { kind: 'full', seconds: bench.options.warmUpSeconds }
      await ask(bench, running, bench.keysFile, settled)
      await ask(bench, running, bench.keysFile, settled)
      costs.push(await cost(bench, running, bench.keysFile, `good request, ${budget}`))
      for (const [kind, keysFile] of kinds) {
        await ask(bench, running, keysFile, settled, junkFrom)
        costs.push(await cost(bench, running, keysFile, `${kind}, ${budget}`, junkFrom))
      }
      const good: Pace = { kind: 'fixed', perSecond: goodPerSecond, seconds: bench.options.seconds }
      const junk: Pace = { kind: 'fixed', perSecond: junkPerSecond, seconds: bench.options.seconds }
      floods.push({ what: `calm, ${budget}`, good: await ask(bench, running, bench.keysFile, good), junk: null })
      for (const [kind, keysFile] of kinds) {
        const [goodOutcome, junkOutcome] = await Promise.all([ask(bench, running, bench.keysFile, good), ask(bench, running, keysFile, junk, floodFrom)])
        floods.push({ what: `${kind}, ${budget}`, good: goodOutcome, junk: junkOutcome })
      }
    } finally {
      await running.close()
    }
  }
  const goodMicros = costs[0]!.cpuMicros
  return [{
    scenario: 'junk',
    title: 'What a junk key costs',
    rows: costs.map(({ what, cpuMicros, outcome }) => ({ request: what, 'CPU µs/request': rounded(cpuMicros), 'of a good one': rounded(cpuMicros / goodMicros), 'requests/s': rounded(outcome.requests / outcome.seconds), answers: statusesOf(outcome) })),
    notes: [`The good ones come from 127.0.0.1, the junk from ${junkAddress}, as fast as answered. An unknown key is looked up in Postgres once in 10 s. The budget: 100 invalid keys a minute and address; ${connections.beyond} connections send beyond it, ${connections.within} within, ${connections.flood} in the flood.`],
    rounds: costs,
  }, {
    scenario: 'junk',
    title: `Good traffic, ${goodPerSecond} requests/s, beside ${junkPerSecond} junk keys a second`,
    rows: floods.map(({ what, good, junk }) => ({ beside: what, 'good p50 ms': rounded(good.p50Ms), 'good p99 ms': rounded(good.p99Ms), 'good answers': statusesOf(good), 'junk answers': junk === null ? '' : statusesOf(junk) })),
    notes: [],
    rounds: floods,
  }]
}

async function cost (bench: Bench, running: RunningPeer, keysFile: string, what: string, from?: From): Promise<Cost> {
  const before = cpuSeconds(running.pid)
  const outcome = await ask(bench, running, keysFile, { kind: 'full', seconds: bench.options.seconds }, from)
  return { what, cpuMicros: microsPerRequest(before, cpuSeconds(running.pid), outcome.requests), outcome }
}

async function ask ({ stage }: Bench, { port }: RunningPeer, keysFile: string, pace: Pace, from: From = { localAddress: '127.0.0.1', connections: 32 }): Promise<Outcome> {
  return await generate(stage, { port, keysFile, keyHeader: 'x-api-key', ...from, path: '/inventory/items', pace })
}

function statusesOf ({ statuses, broken }: Outcome): string {
  const all = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return [...all, ...broken > 0 ? [`${broken} broken`] : []].join(', ')
}
