import type { Bench } from '../bench.ts'
import { monotonicMs, untilMs } from '../load/clock.ts'
import { generate } from '../load/generator-client.ts'
import type { Job, Outcome } from '../load/job.ts'
import { cpuSeconds } from '../measure/cpu.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'

const cachedPerSecond = 500
const upstreamPerSecond = 200
/** By then the generators, which start on one core, are up and have settled. */
const settleMs = { one: 1_500, all: 4_000 } as const

/** A start with so many keys in use that no process has seen: all asked for at once, beside keys already cached. */
export async function measureRestart (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const count = bench.options.isQuick ? 2_000 : 10_000
  const keys = await bench.database.createKeys(count)
  return await measure(bench, peers, { scenario: 'restart', title: `Restart with ${count.toLocaleString('en')} unseen keys, found by digest`, keys, connections: 64, env: {}, deadlineSeconds: 60 })
}

/** The same without digests: every key is proven by bcrypt at cost 10. */
export async function measureBcrypt (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const count = bench.options.isQuick ? 40 : 200
  const keys = await bench.database.createBcryptKeys(count)
  const env = { LATCHKEY_KEY_PEPPER: '' }
  return await measure(bench, peers, { scenario: 'bcrypt', title: `Restart with ${count} unseen keys, proven by bcrypt at cost 10`, keys, connections: 64, env, deadlineSeconds: 90, cachedKeys: await bench.database.createBcryptKeys(20) })
}

interface Restart {
  readonly scenario: string
  readonly title: string
  readonly keys: readonly string[]
  readonly connections: number
  readonly env: Readonly<Record<string, string>>
  readonly deadlineSeconds: number
  readonly cachedKeys?: readonly string[]
}

async function measure (bench: Bench, peers: readonly Peer[], { scenario, title, keys, connections, env, deadlineSeconds, cachedKeys = bench.keys }: Restart): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const { stage, options } = bench
  const cachedFile = bench.writeKeys(`${scenario}-cached`, cachedKeys)
  const unseenFile = bench.writeKeys(`${scenario}-unseen`, keys)
  const startedAt = performance.now()
  const running = await peer.start(bench, { env })
  try {
    const readyMs = performance.now() - startedAt
    const common = { port: running.port, keyHeader: running.keyHeader, path: '/inventory/items', localAddress: '127.0.0.1' }
    const fixed = async (perSecond: number, seconds: number, fromMs: number, { port = running.port, signal }: { port?: number, signal?: AbortSignal } = {}) =>
      await generate(stage, { ...common, port, connections: 16, keysFile: cachedFile, pace: { kind: 'fixed', perSecond, seconds }, fromMs }, signal)
    await generate(stage, { ...common, connections: 16, keysFile: cachedFile, pace: { kind: 'each', deadlineSeconds } })
    await fixed(cachedPerSecond, options.warmUpSeconds, 0)
    const calm = await fixed(cachedPerSecond, settleMs.one / 1000 + Math.max(3, options.seconds), monotonicMs() + settleMs.one)
    // No longer than the storm: what comes after it would dilute it.
    const storm = new AbortController()
    const { signal } = storm
    const fromMs = monotonicMs() + settleMs.all
    const beside = fixed(cachedPerSecond, deadlineSeconds, fromMs, { signal })
    // What it sees is the load's own: it asks without the gateway.
    const besideUpstream = fixed(upstreamPerSecond, deadlineSeconds, fromMs, { signal, port: Number(new URL(bench.upstreamUrl).port) })
    const unseen: Job = { ...common, connections, keysFile: unseenFile, pace: { kind: 'each', deadlineSeconds }, fromMs }
    const serving = generate(stage, unseen).finally(() => storm.abort())
    await untilMs(fromMs)
    const before = cpuSeconds(running.pid)
    const served = await serving
    const after = cpuSeconds(running.pid)
    const [during, upstream] = await Promise.all([beside, besideUpstream])
    const row = (what: string, outcome: Outcome) => ({ what, 'p50 ms': rounded(outcome.p50Ms), 'p99 ms': rounded(outcome.p99Ms), 'max ms': rounded(outcome.maxMs), answers: Object.entries(outcome.statuses).map(([status, count]) => `${count} × ${status}`).join(', ') })
    return [{
      scenario,
      title,
      rows: [row('cached keys in calm', calm), row('cached keys meanwhile', during), row('unseen keys, since the first', served), row('the upstream itself meanwhile', upstream)],
      notes: [
        served.unserved === 0 ? `All served within ${rounded(served.seconds)} s of the first; ready ${rounded(readyMs / 1000)} s after the process was started.` : `${served.unserved} keys not served within ${deadlineSeconds} s.`,
        `The p99 of cached keys moved by ${rounded(during.p99Ms - calm.p99Ms)} ms (${cachedPerSecond} requests/s, open loop). CPU: ${rounded(after.own - before.own)} s of the gateway's process, ${rounded(after.helpers - before.helpers)} s of its helpers.`,
      ],
      rounds: [{ readyMs, calm, during, served, upstream }],
    }]
  } finally {
    await running.close()
  }
}
