import type { Bench } from '../bench.ts'
import { saturate, type Saturation, type WrkOptions } from '../load/wrk.ts'
import { cpuSeconds, microsPerRequest } from '../measure/cpu.ts'
import { median } from '../measure/percentiles.ts'
import type { Peer, PeerSettings } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { interleave } from './interleave.ts'
import { ratioNotes } from './ratios.ts'
import { warmUp } from './warm-up.ts'

type Request = Pick<WrkOptions, 'method' | 'path' | 'bodyBytes' | 'routes'>

interface Round {
  readonly round: number
  readonly peer: string
  readonly cpuMicros: number
  readonly saturation: Saturation
}

/** Bodies as they come with exports and uploads: 10 KiB there, 100 KiB back. */
export async function measureBodies (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const able = peers.filter(({ id }) => !id.startsWith('express-gateway'))
  return await measure(bench, able, { scenario: 'bodies', title: 'POST of 10 KiB, answer of 100 KiB', request: { method: 'POST', path: '/inventory/export', bodyBytes: 10 * 1024 }, settings: {} })
}

/** 1,000 routes, all of them asked for. */
export async function measureRoutes (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const able = peers.filter(({ id, isLatchkey }) => isLatchkey || id === 'nginx-lua')
  return await measure(bench, able, { scenario: 'routes', title: '1,000 routes, small answers', request: { routes: 1_000 }, settings: { routes: 1_000 } })
}

async function measure (bench: Bench, peers: readonly Peer[], { scenario, title, request, settings }: { scenario: string, title: string, request: Request, settings: PeerSettings }): Promise<Section[]> {
  const rounds = await interleave(bench, peers, {
    rounds: bench.options.isQuick ? 1 : bench.options.rounds,
    measure: async (peer, round) => await measureOnce(bench, peer, { round, request, settings }),
    describe: ({ cpuMicros, saturation }) => `${cpuMicros.toFixed(1)} µs, ${Math.round(saturation.requestsPerSecond)} requests/s`,
  })
  const of = (peer: string, read: (round: Round) => number) => median(rounds.filter(round => round.peer === peer).map(read))
  return [{
    scenario,
    title,
    rows: peers.map(({ id, title }) => ({
      peer: title,
      'CPU µs/request': rounded(of(id, ({ cpuMicros }) => cpuMicros)),
      'requests/s': rounded(of(id, ({ saturation }) => saturation.requestsPerSecond)),
      'p50 ms': rounded(of(id, ({ saturation }) => saturation.p50Ms)),
      'p99 ms': rounded(of(id, ({ saturation }) => saturation.p99Ms)),
    })),
    notes: [...ratioNotes(peers, id => of(id, ({ cpuMicros }) => cpuMicros), 'CPU a request'), 'As fast as answered, 64 connections: the latencies are those of a full queue.'],
    rounds,
  }]
}

async function measureOnce (bench: Bench, peer: Peer, { round, request, settings }: { round: number, request: Request, settings: PeerSettings }): Promise<Round> {
  await bench.database.clearUsage()
  const running = await peer.start(bench, settings)
  try {
    const target = { ...running, ...request }
    await warmUp(bench, target)
    const before = cpuSeconds(running.pid)
    const saturation = await saturate(bench.stage, { ...target, seconds: bench.options.seconds })
    if (saturation.failed > 0) throw new Error(`${peer.title}: ${saturation.failed} requests failed`)
    return { round, peer: peer.id, cpuMicros: microsPerRequest(before, cpuSeconds(running.pid), saturation.requests), saturation }
  } finally {
    await running.close()
  }
}
