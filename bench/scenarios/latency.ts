import type { Bench } from '../bench.ts'
import { generate } from '../load/generator-client.ts'
import type { Outcome } from '../load/job.ts'
import { saturate } from '../load/wrk.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { interleave } from './interleave.ts'
import { warmUp } from './warm-up.ts'

interface Round {
  readonly round: number
  readonly peer: string
  readonly perSecond: number
  readonly through: Outcome
  /** The upstream asked straight, at the same rate. */
  readonly straight: Outcome
}

/** What a peer adds to the upstream's own latency, at half of what it can do. */
export async function measureLatency (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const able = peers.filter(({ id, isLatchkey }) => isLatchkey || /^(bare|undici|nginx-lua)/.test(id))
  const rounds = await interleave(bench, able, {
    rounds: bench.options.isQuick ? 1 : bench.options.rounds,
    measure: async (peer, round) => await measureOnce(bench, peer, round),
    describe: ({ through, straight, perSecond }) => `p99 ${through.p99Ms.toFixed(2)} ms at ${perSecond}/s, the upstream's own ${straight.p99Ms.toFixed(2)} ms`,
  })
  const of = (peer: string, read: (round: Round) => number) => rounded(median(rounds.filter(round => round.peer === peer).map(read)))
  return [{
    scenario: 'latency',
    title: 'Latency added to the upstream\'s own, at half of saturation',
    rows: able.map(({ id, title }) => ({
      peer: title,
      'requests/s': of(id, ({ perSecond }) => perSecond),
      'added p50 ms': of(id, ({ through, straight }) => through.p50Ms - straight.p50Ms),
      'added p99 ms': of(id, ({ through, straight }) => through.p99Ms - straight.p99Ms),
      'p50 ms': of(id, ({ through }) => through.p50Ms),
      'p99 ms': of(id, ({ through }) => through.p99Ms),
      'p99.9 ms': of(id, ({ through }) => through.p999Ms),
      'upstream p50 ms': of(id, ({ straight }) => straight.p50Ms),
      'upstream p99 ms': of(id, ({ straight }) => straight.p99Ms),
    })),
    notes: [
      'Each at half of its own requests/s as wrk finds them in the same round; open loop, timed from when each request was due.',
      `The generator's own share: it was late by ${rounded(median(rounds.map(({ straight }) => straight.lateP99Ms)))} ms at the 99th percentile and used ${rounded(median(rounds.map(({ through }) => through.cpuSeconds / through.seconds * 100)))} % of its core.`,
    ],
    rounds,
  }]
}

async function measureOnce (bench: Bench, peer: Peer, round: number): Promise<Round> {
  const { options, stage, database } = bench
  await database.clearUsage()
  const running = await peer.start(bench)
  try {
    await warmUp(bench, running)
    const { requestsPerSecond } = await saturate(stage, { ...running, seconds: options.warmUpSeconds })
    const perSecond = Math.max(1, Math.round(requestsPerSecond / 2))
    const job = { keysFile: running.keysFile, keyHeader: running.keyHeader, localAddress: '127.0.0.1', connections: 64, path: '/inventory/items', pace: { kind: 'fixed', perSecond, seconds: options.seconds } } as const
    const through = await generate(stage, { ...job, port: running.port })
    const straight = await generate(stage, { ...job, port: Number(new URL(bench.upstreamUrl).port) })
    return { round, peer: peer.id, perSecond, through, straight }
  } finally {
    await running.close()
  }
}
