import type { Bench } from '../bench.ts'
import { generate } from '../load/generator-client.ts'
import { saturate } from '../load/wrk.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer, RunningPeer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { untilWritten } from '../usage/until-written.ts'
import { interleave } from './interleave.ts'
import { warmUp } from './warm-up.ts'

interface Contender {
  readonly id: string
  /** Of the configuration. */
  readonly usage: string
}

interface Round {
  readonly round: number
  readonly id: string
  readonly cpuMicros: number
  readonly postgresMicros: number
  readonly requestsPerSecond: number
  readonly steadyCpuMicros: number
}

const off: Contender = { id: 'off', usage: 'store: none' }
const contenders: readonly Contender[] = [
  off,
  { id: 'without a spool', usage: 'spool: false' },
  { id: 'spool, fsync never', usage: 'spool: true, fsync: never' },
  { id: 'spool, fsync flush', usage: 'spool: true, fsync: flush' },
  { id: 'spool, fsync always', usage: 'spool: true, fsync: always' },
]

/** So that the gateway, Postgres and the load all have time to spare, with usage and without. */
const steadyPerSecond = 6_000

/** What usage costs a request in the gateway, each way of keeping it, down to the last row's being written. */
export async function measureUsageCost (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const rounds = await interleave(bench, contenders, {
    rounds: bench.options.rounds,
    measure: async (contender, round) => await measureOnce(bench, peer, contender, round),
    describe: ({ cpuMicros, postgresMicros, requestsPerSecond, steadyCpuMicros }) => `${cpuMicros.toFixed(1)} µs, Postgres ${postgresMicros.toFixed(1)} µs, ${Math.round(requestsPerSecond)} requests/s; at ${steadyPerSecond} requests/s ${steadyCpuMicros.toFixed(1)} µs`,
  })
  const of = (id: string, read: (round: Round) => number) => median(rounds.filter(round => round.id === id).map(read))
  // Of each round by itself: what disturbs one disturbs both sides of its ratio.
  const beside = (id: string, read: (round: Round) => number, compare: (ours: number, without: number) => number) => median(rounds.filter(round => round.id === id).map(ours => {
    const without = rounds.find(other => other.round === ours.round && other.id === off.id)
    return without === undefined ? NaN : compare(read(ours), read(without))
  }))
  const atMost = ({ cpuMicros }: Round) => cpuMicros
  const steadily = ({ steadyCpuMicros }: Round) => steadyCpuMicros
  return [{
    scenario: 'usage-cost',
    title: 'What usage costs a request',
    rows: contenders.map(({ id }) => ({
      usage: id,
      'CPU µs/request': rounded(of(id, atMost)),
      '× off': rounded(beside(id, atMost, (ours, without) => ours / without)),
      'µs more': rounded(beside(id, atMost, (ours, without) => ours - without)),
      'Postgres CPU µs/request': rounded(of(id, ({ postgresMicros }) => postgresMicros)),
      'requests/s': rounded(of(id, ({ requestsPerSecond }) => requestsPerSecond)),
      'steady: CPU µs/request': rounded(of(id, steadily)),
      'steady: × off': rounded(beside(id, steadily, (ours, without) => ours / without)),
      'steady: µs more': rounded(beside(id, steadily, (ours, without) => ours - without)),
    })),
    notes: [
      'wrk, 64 connections, as fast as answered; 1,000 keys. The gateway\'s CPU is read when its last row is in Postgres. Postgres and load share the other core: with usage the load is slower, and the gateway finds fewer requests at a time, each of which costs it more.',
      `Steady: ${steadyPerSecond.toLocaleString('en')} requests/s, open loop, the same with usage and without.`,
    ],
    rounds,
  }]
}

async function measureOnce (bench: Bench, peer: Peer, { id, usage }: Contender, round: number): Promise<Round> {
  const { stage, database, options } = bench
  await database.clearUsage()
  const running = await peer.start(bench, { gateway: { usage } })
  try {
    await warmUp(bench, running)
    const wrk = await costOf(bench, running, async () => {
      const { requests, requestsPerSecond, failed } = await saturate(stage, { ...running, seconds: options.seconds })
      return { requests, requestsPerSecond, failed }
    })
    const job = { keysFile: running.keysFile, keyHeader: running.keyHeader, localAddress: '127.0.0.1', connections: 64, path: '/inventory/items', port: running.port } as const
    const steady = await costOf(bench, running, async () => {
      const { requests, statuses } = await generate(stage, { ...job, pace: { kind: 'fixed', perSecond: steadyPerSecond, seconds: options.seconds } })
      return { requests, failed: requests - (statuses['200'] ?? 0) }
    })
    return { round, id, cpuMicros: wrk.gatewayMicros, postgresMicros: wrk.postgresMicros, requestsPerSecond: wrk.outcome.requestsPerSecond, steadyCpuMicros: steady.gatewayMicros }
  } finally {
    await running.close()
  }
}

interface Cost<T> {
  readonly outcome: T
  readonly gatewayMicros: number
  readonly postgresMicros: number
}

/** Of each request that `load` sends, down to the last row's being written. */
async function costOf<T extends { readonly requests: number, readonly failed: number }> ({ database }: Bench, { pid, adminUrl }: RunningPeer, load: () => Promise<T>): Promise<Cost<T>> {
  await untilWritten(adminUrl!)
  const gatewayBefore = cpuSeconds(pid)
  const postgresBefore = cpuSeconds(database.pid)
  const outcome = await load()
  await untilWritten(adminUrl!)
  const gatewayAfter = cpuSeconds(pid)
  const postgresAfter = cpuSeconds(database.pid)
  const { requests, failed } = outcome
  if (failed > 0) throw new Error(`${failed} requests failed`)
  return { outcome, gatewayMicros: microsPerRequest(gatewayBefore, gatewayAfter, requests), postgresMicros: microsPerRequest(postgresBefore, postgresAfter, requests) }
}
