import type { Bench } from '../bench.ts'
import { saturate } from '../load/wrk.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import { residentMemory } from '../measure/memory.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { warmUp } from './warm-up.ts'

interface Round {
  readonly round: number
  readonly workers: number
  readonly requestsPerSecond: number
  readonly cpuMicros: number
  /** Cores that the gateway kept busy. */
  readonly gatewayCores: number
  /** Cores that wrk, the upstream and Postgres kept busy. */
  readonly othersCores: number
  readonly memoryMiB: number
}

/** One worker and two, both with the whole machine, shared with load, upstream and Postgres. */
export async function measureWorkers (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const rounds: Round[] = []
  for (let round = 1; round <= (bench.options.isQuick ? 1 : bench.options.rounds); round++) {
    for (const workers of [1, 2]) {
      const measured = await measureOnce(bench, peer, { round, workers })
      rounds.push(measured)
      bench.say(`round ${round}: ${workers} workers: ${measured.cpuMicros.toFixed(1)} µs, ${Math.round(measured.requestsPerSecond)} requests/s`)
    }
  }
  const of = (workers: number, read: (round: Round) => number) => median(rounds.filter(round => round.workers === workers).map(read))
  const throughput = of(2, ({ requestsPerSecond }) => requestsPerSecond) / of(1, ({ requestsPerSecond }) => requestsPerSecond)
  const cost = of(2, ({ cpuMicros }) => cpuMicros) / of(1, ({ cpuMicros }) => cpuMicros)
  return [{
    scenario: 'workers',
    title: 'Two workers beside one, on two cores that load, upstream and Postgres use, too',
    rows: [1, 2].map(workers => ({
      workers,
      'requests/s': rounded(of(workers, ({ requestsPerSecond }) => requestsPerSecond)),
      'CPU µs/request': rounded(of(workers, ({ cpuMicros }) => cpuMicros)),
      'cores, gateway': rounded(of(workers, ({ gatewayCores }) => gatewayCores)),
      'cores, load and others': rounded(of(workers, ({ othersCores }) => othersCores)),
      'RSS MiB': rounded(of(workers, ({ memoryMiB }) => memoryMiB)),
    })),
    notes: [
      `Throughput with two: ${throughput.toFixed(2)} × one. CPU a request with two: ${cost.toFixed(2)} × one, so that two cores of their own would carry ${(2 / cost).toFixed(2)} × what one carries.`,
    ],
    rounds,
  }]
}

async function measureOnce (bench: Bench, peer: Peer, { round, workers }: { round: number, workers: number }): Promise<Round> {
  const { options, stage, database } = bench
  await database.clearUsage()
  const running = await peer.start(bench, { gateway: { workers }, isUnpinned: true })
  try {
    await warmUp(bench, { ...running, place: 'anywhere' })
    const gatewayBefore = cpuSeconds(running.pid)
    const allBefore = cpuSeconds(process.pid)
    const startedAt = performance.now()
    const { requests, requestsPerSecond, failed } = await saturate(stage, { ...running, seconds: options.seconds, place: 'anywhere' })
    const seconds = (performance.now() - startedAt) / 1000
    const gatewayAfter = cpuSeconds(running.pid)
    const allAfter = cpuSeconds(process.pid)
    if (failed > 0) throw new Error(`${peer.title}, ${workers} workers: ${failed} requests failed`)
    const gatewaySeconds = gatewayAfter.own + gatewayAfter.helpers - gatewayBefore.own - gatewayBefore.helpers
    // The bench's children are all there is: gateway, wrk (ended by now), upstream, Postgres.
    const allSeconds = allAfter.own + allAfter.helpers - allBefore.own - allBefore.helpers
    return {
      round,
      workers,
      requestsPerSecond,
      cpuMicros: microsPerRequest(gatewayBefore, gatewayAfter, requests),
      gatewayCores: gatewaySeconds / seconds,
      othersCores: (allSeconds - gatewaySeconds) / seconds,
      memoryMiB: residentMemory(running.pid).nowMiB,
    }
  } finally {
    await running.close()
  }
}
