import { join } from 'node:path'
import { request } from 'undici'
import type { KeyDatabase } from './latchkey.ts'
import { end, freePort, pinned, untilListening } from './processes.ts'

export interface FirstUseOptions {
  readonly config: string
  readonly count: number
  readonly environment: (port: number) => NodeJS.ProcessEnv
}

interface Latencies { readonly p50: number, readonly p99: number }

/** What the first request with a key costs a client: known by its digest, proven by bcrypt at cost 10, and cached, to compare. */
export async function measureFirstUse (database: KeyDatabase, { config, count, environment }: FirstUseOptions): Promise<Record<string, Latencies>> {
  const keys = await database.createKeys(count, 10)
  const start = (port: number, env: NodeJS.ProcessEnv) => pinned(0, [process.execPath, join(import.meta.dirname, '../dist/main.js'), 'start', '--config', config], { env: { ...environment(port), ...env } })
  const results: Record<string, Latencies> = {}
  for (const [name, env] of [['by digest', {}], ['by bcrypt, cost 10', { LATCHKEY_KEY_PEPPER: '' }]] as const) {
    const port = await freePort()
    const child = start(port, env)
    try {
      await untilListening(port)
      // The first request also pays for connections and code that wasn't run before.
      await latencies(port, [keys[0]!])
      results[name] = await latencies(port, keys.slice(1))
      results['cached'] ??= await latencies(port, keys.slice(1))
    } finally {
      await end(child)
    }
  }
  const roundTrip = Math.round(await database.roundTripMs() * 100) / 100
  results['bare database round trip'] = { p50: roundTrip, p99: roundTrip }
  return results
}

async function latencies (port: number, keys: readonly string[]): Promise<Latencies> {
  const taken: number[] = []
  for (const key of keys) {
    const startedAt = performance.now()
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/inventory/items`, { headers: { 'x-api-key': key } })
    await body.dump()
    taken.push(performance.now() - startedAt)
    if (statusCode !== 200) throw new Error(`a first use was answered with ${statusCode}`)
  }
  taken.sort((a, b) => a - b)
  const at = (share: number) => Math.round(taken[Math.min(taken.length - 1, Math.floor(taken.length * share))]! * 100) / 100
  return { p50: at(0.5), p99: at(0.99) }
}
