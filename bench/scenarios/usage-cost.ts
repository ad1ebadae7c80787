import type { Bench } from '../bench.ts'
import { saturate } from '../load/wrk.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer } from '../peers/peer.ts'
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
}

const off: Contender = { id: 'off', usage: 'store: none' }
const contenders: readonly Contender[] = [
  off,
  { id: 'without a spool', usage: 'spool: false' },
  { id: 'spool, fsync never', usage: 'spool: true, fsync: never' },
  { id: 'spool, fsync flush', usage: 'spool: true, fsync: flush' },
  { id: 'spool, fsync always', usage: 'spool: true, fsync: always' },
]

/** What usage costs a request in the gateway, each way of keeping it, down to the last row's being written. */
export async function measureUsageCost (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const rounds = await interleave(bench, contenders, {
    rounds: bench.options.rounds,
    measure: async (contender, round) => await measureOnce(bench, peer, contender, round),
    describe: ({ cpuMicros, postgresMicros, requestsPerSecond }) => `${cpuMicros.toFixed(1)} µs, Postgres ${postgresMicros.toFixed(1)} µs, ${Math.round(requestsPerSecond)} requests/s`,
  })
  const of = (id: string, read: (round: Round) => number) => median(rounds.filter(round => round.id === id).map(read))
  // Of each round by itself: what disturbs one disturbs both sides of its ratio.
  const beside = (id: string, compare: (ours: number, without: number) => number) => median(rounds.filter(round => round.id === id).map(({ round, cpuMicros }) => {
    const without = rounds.find(other => other.round === round && other.id === off.id)
    return without === undefined ? NaN : compare(cpuMicros, without.cpuMicros)
  }))
  return [{
    scenario: 'usage-cost',
    title: 'What usage costs a request',
    rows: contenders.map(({ id }) => ({
      usage: id,
      'CPU µs/request': rounded(of(id, ({ cpuMicros }) => cpuMicros)),
      '× off': rounded(beside(id, (ours, without) => ours / without)),
      'µs more': rounded(beside(id, (ours, without) => ours - without)),
      'Postgres CPU µs/request': rounded(of(id, ({ postgresMicros }) => postgresMicros)),
      'requests/s': rounded(of(id, ({ requestsPerSecond }) => requestsPerSecond)),
    })),
    notes: ['wrk, 64 connections, as fast as answered; 1,000 keys. The gateway\'s CPU is read when its last row is in Postgres. Postgres and load share the other core.'],
    rounds,
  }]
}

async function measureOnce (bench: Bench, peer: Peer, { id, usage }: Contender, round: number): Promise<Round> {
  const { stage, database, options } = bench
  await database.clearUsage()
  const running = await peer.start(bench, { gateway: { usage } })
  try {
    await warmUp(bench, running)
    await untilWritten(running.adminUrl!)
    const gatewayBefore = cpuSeconds(running.pid)
    const postgresBefore = cpuSeconds(database.pid)
    const { requests, requestsPerSecond, failed } = await saturate(stage, { ...running, seconds: options.seconds })
    await untilWritten(running.adminUrl!)
    const gatewayAfter = cpuSeconds(running.pid)
    const postgresAfter = cpuSeconds(database.pid)
    if (failed > 0) throw new Error(`${failed} requests failed`)
    return { round, id, cpuMicros: microsPerRequest(gatewayBefore, gatewayAfter, requests), postgresMicros: microsPerRequest(postgresBefore, postgresAfter, requests), requestsPerSecond }
  } finally {
    await running.close()
  }
}
