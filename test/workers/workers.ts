import { readdirSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { type FrontOptions, frontConfig } from '../support/front.ts'
import { type GatewayProcess, type GatewayProcesses, prepareGatewayProcesses } from '../support/gateway-process.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'

/** A gateway of two workers, to be started; `gateway` has further settings of that section, in YAML's flow style. */
export async function prepareWorkers (t: Test, upstreamUrl: string, { gateway = '', ...options }: FrontOptions & { readonly gateway?: string } = {}): Promise<GatewayProcesses> {
  const sections = `gateway: { workers: 2${gateway === '' ? '' : `, ${gateway}`} }\nkeys: { bcryptCost: 4 }\n${options.sections ?? ''}`
  return await prepareGatewayProcesses(t, frontConfig(upstreamUrl, { ...options, sections }))
}

/** Of this gateway's processes, those whose command line has this word. */
export function childrenOf ({ cli }: GatewayProcess, word: 'worker-process' | 'bcrypt-process'): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
      return parent === cli.child.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
    } catch {
      return false
    }
  })
}

export async function untilWorkers (gateway: GatewayProcess, count: number): Promise<void> {
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_workers') === count, `${count} workers take connections`, { timeoutMs: 60_000 })
}

/** Of all series whose name begins so, the sum. */
export function sumOf (series: Map<string, number>, prefix: string): number {
  let sum = 0
  for (const [name, value] of series) if (name.startsWith(prefix)) sum += value
  return sum
}
