import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import type { GatewayProcess } from './gateway-process.ts'
import { scrape } from './scrape.ts'
import { until } from './until.ts'

export interface Attack {
  readonly kind: 'slow-heads' | 'slow-bodies' | 'never-read' | 'junk' | 'unknown'
  /** Connections, or of keys: a second. */
  readonly count: number
  readonly key?: string
}

export interface AttackTotals {
  readonly sent: number
  readonly answered: number
  readonly statuses: Readonly<Record<string, number>>
  readonly reconnects: number
}

export interface SiegeOptions {
  readonly gateway: GatewayProcess
  readonly headers: { readonly 'x-api-key': string }
  readonly attacks: readonly Attack[]
  readonly calmMs: number
  readonly attackMs: number
}

/** What may stay of an attack: buffers and code that grew, not connections. */
const memoryLeftBytesMax = 96 * 1024 * 1024
const descriptorsLeftMax = 20

/**
 * Good traffic, first in calm and then beside the attacks. Fails the test where a good request fails, or where memory,
 * connections and descriptors of the gateway don't return; prints the latencies. Resolves with what each attack saw, and what
 * the gateway held before the attacks were stopped.
 */
export async function besiege (t: Test, { gateway, headers, attacks, calmMs, attackMs }: SiegeOptions): Promise<{ totals: AttackTotals[], peak: Holdings }> {
  // Warms up, too.
  await measure(gateway.url, headers, 1_000)
  const calm = await measure(gateway.url, headers, calmMs)
  const before = await holdings(gateway)
  const running = await Promise.all(attacks.map(async attack => await start(t, gateway.url, attack)))
  const during = await holdings(gateway)
  const siege = await measure(gateway.url, headers, attackMs)
  const peak = await holdings(gateway)
  const totals = await Promise.all(running.map(async stop => await stop()))

  t.comment(`calm:      ${describe(calm)}`)
  t.comment(`besieged:  ${describe(siege)}`)
  t.same(calm.failures, [], 'no good request fails in calm')
  t.same(siege.failures, [], 'nor beside the attack')
  let after = peak
  await until(async () => {
    after = await holdings(gateway)
    return after.connections <= before.connections && after.descriptors <= before.descriptors + descriptorsLeftMax
  }, 'connections and descriptors are back', { timeoutMs: 60_000 }).catch((err: unknown) => { t.fail(String(err)) })
  await until(async () => {
    after = await holdings(gateway)
    return after.memoryBytes <= before.memoryBytes + memoryLeftBytesMax
  }, 'memory is back', { timeoutMs: 60_000 }).catch((err: unknown) => { t.fail(String(err)) })
  for (const [when, { connections, descriptors, memoryBytes }] of Object.entries({ before, during, peak, after })) {
    t.comment(`${when.padEnd(7)} ${connections} connections, ${descriptors} descriptors, ${Math.round(memoryBytes / 1024 / 1024)} MiB`)
  }
  for (const [i, { kind }] of attacks.entries()) t.comment(`${kind}: ${JSON.stringify(totals[i])}`)
  const again = await measure(gateway.url, headers, 1_000)
  t.same(again.failures, [])
  return { totals, peak }
}

interface Measurement {
  readonly latenciesMs: number[]
  readonly failures: string[]
}

/** Eight clients, each with a connection of its own and a pause between its requests. */
async function measure (url: string, headers: { readonly 'x-api-key': string }, durationMs: number): Promise<Measurement> {
  const agent = new Agent({ connections: 8 })
  const measurement: Measurement = { latenciesMs: [], failures: [] }
  const endMs = performance.now() + durationMs
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (performance.now() < endMs) {
      const startMs = performance.now()
      try {
        const { statusCode, body } = await request(url, { dispatcher: agent, headers })
        const text = await body.text()
        if (statusCode !== 200) measurement.failures.push(`${statusCode} ${text}`)
      } catch (err) {
        measurement.failures.push(String(err))
      }
      measurement.latenciesMs.push(performance.now() - startMs)
      await delay(5)
    }
  }))
  await agent.close()
  return measurement
}

function describe ({ latenciesMs, failures }: Measurement): string {
  const sorted = latenciesMs.toSorted((one, other) => one - other)
  const at = (share: number) => `${(sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(1)} ms`
  return `${sorted.length} requests, ${failures.length} failed, p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(0.999999)}`
}

interface Holdings {
  readonly connections: number
  readonly descriptors: number
  readonly memoryBytes: number
}

async function holdings ({ adminUrl }: GatewayProcess): Promise<Holdings> {
  const series = await scrape(adminUrl)
  return {
    connections: series.get('latchkey_connections') ?? NaN,
    descriptors: series.get('process_open_fds') ?? NaN,
    memoryBytes: series.get('process_resident_memory_bytes') ?? NaN,
  }
}

async function start (t: Test, url: string, { kind, count, key = '' }: Attack): Promise<() => Promise<AttackTotals>> {
  const child = spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, path.join(import.meta.dirname, 'attacker.ts'), kind, url, String(count), key], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGKILL') })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const ended = once(child, 'close')
  await until(() => output.includes('attacking') || child.exitCode !== null, `${kind} attacks`, { timeoutMs: 60_000 })
  return async () => {
    child.kill('SIGTERM')
    const [code, signal] = await ended
    if (!output.includes('{')) throw new Error(`${kind} ended with ${code ?? signal}, having said ${output}`)
    return JSON.parse(output.slice(output.indexOf('{')))
  }
}
