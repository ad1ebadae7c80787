import type { Bench } from '../bench.ts'
import { generate } from '../load/generator-client.ts'
import type { Outcome } from '../load/job.ts'
import { saturate, type Saturation } from '../load/wrk.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import { residentMemory } from '../measure/memory.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { interleave } from './interleave.ts'
import { ratioNotes } from './ratios.ts'
import { warmUp } from './warm-up.ts'

interface Round {
  readonly round: number
  readonly peer: string
  readonly cpuMicros: number
  /** Of which by helper processes. */
  readonly helperMicros: number
  readonly saturation: Saturation
  /** Null where the fixed rate is more than three quarters of what it can do. */
  readonly fixed: Outcome | null
  readonly memoryAfterMiB: number
  readonly memoryPeakMiB: number
}

/** 1,000 hot keys, small answers: what a request costs, and how long it takes at a rate that all can serve. */
export async function measureHot (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const { options } = bench
  const rounds = await interleave(bench, peers, {
    rounds: options.rounds,
    measure: async (peer, round) => await measureOnce(bench, peer, round),
    describe: ({ cpuMicros, saturation }) => `${cpuMicros.toFixed(1)} µs, ${Math.round(saturation.requestsPerSecond)} requests/s`,
  })
  const floors: Outcome[] = []
  for (let round = 1; round <= options.rounds; round++) floors.push(await atRate(bench, { port: Number(new URL(bench.upstreamUrl).port), keysFile: bench.keysFile, keyHeader: 'x-api-key' }))
  const titles = new Map(peers.map(({ id, title }) => [id, title]))
  const of = (peer: string, read: (round: Round) => number | undefined) => rounded(median(rounds.filter(round => round.peer === peer).map(round => read(round) ?? NaN)))
  const rows = peers.map(({ id }) => ({
    peer: titles.get(id)!,
    'CPU µs/request': of(id, ({ cpuMicros }) => cpuMicros),
    'of it helpers': of(id, ({ helperMicros }) => helperMicros),
    'requests/s': of(id, ({ saturation }) => saturation.requestsPerSecond),
    'p50 ms': of(id, ({ fixed }) => fixed?.p50Ms),
    'p99 ms': of(id, ({ fixed }) => fixed?.p99Ms),
    'p99.9 ms': of(id, ({ fixed }) => fixed?.p999Ms),
    'RSS MiB': of(id, ({ memoryAfterMiB }) => memoryAfterMiB),
    'peak MiB': of(id, ({ memoryPeakMiB }) => memoryPeakMiB),
  }))
  const floor = (read: (outcome: Outcome) => number) => rounded(median(floors.map(read)))
  rows.push({ peer: 'the upstream itself', 'CPU µs/request': null, 'of it helpers': null, 'requests/s': null, 'p50 ms': floor(({ p50Ms }) => p50Ms), 'p99 ms': floor(({ p99Ms }) => p99Ms), 'p99.9 ms': floor(({ p999Ms }) => p999Ms), 'RSS MiB': null, 'peak MiB': null })
  return [{
    scenario: 'hot',
    title: '1,000 hot keys, 158-byte answers',
    rows,
    notes: [
      ...ratioNotes(peers, id => median(rounds.filter(({ peer }) => peer === id).map(({ cpuMicros }) => cpuMicros)), 'CPU a request'),
      `CPU and requests/s: wrk, 64 connections, as fast as answered. p50 to p99.9: ${options.rate} requests/s, open loop, timed from when each was due.`,
    ],
    rounds: [...rounds, ...floors.map((fixed, i) => ({ round: i + 1, peer: 'upstream', fixed }))],
  }]
}

async function measureOnce (bench: Bench, peer: Peer, round: number): Promise<Round> {
  const { options, stage } = bench
  await bench.database.clearUsage()
  const running = await peer.start(bench)
  try {
    await warmUp(bench, running)
    const before = cpuSeconds(running.pid)
    const saturation = await saturate(stage, { ...running, seconds: options.seconds })
    const after = cpuSeconds(running.pid)
    if (saturation.failed > 0) throw new Error(`${peer.title}: ${saturation.failed} requests failed`)
    const isBelow = options.rate <= saturation.requestsPerSecond * 0.75
    const fixed = isBelow ? await atRate(bench, running) : null
    const { nowMiB, peakMiB } = residentMemory(running.pid)
    return {
      round,
      peer: peer.id,
      cpuMicros: microsPerRequest(before, after, saturation.requests),
      helperMicros: (after.helpers - before.helpers) * 1e6 / saturation.requests,
      saturation,
      fixed,
      memoryAfterMiB: nowMiB,
      memoryPeakMiB: peakMiB,
    }
  } finally {
    await running.close()
  }
}

async function atRate ({ stage, options }: Bench, { port, keysFile, keyHeader }: { port: number, keysFile: string, keyHeader: string }): Promise<Outcome> {
  return await generate(stage, {
    port, keysFile, keyHeader, localAddress: '127.0.0.1', connections: 64, path: '/inventory/items', pace: { kind: 'fixed', perSecond: options.rate, seconds: options.isQuick ? 1 : options.seconds },
  })
}
