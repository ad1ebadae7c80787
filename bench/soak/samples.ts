import { readdirSync, readlinkSync } from 'node:fs'
import { residentMemory } from '../measure/memory.ts'
import { median } from '../measure/percentiles.ts'
import { scrape } from '../metrics.ts'

/** What the gateway holds at one moment. */
export interface Sample {
  readonly second: number
  readonly rssMiB: number
  readonly heapMiB: number
  readonly externalMiB: number
  readonly sockets: number
  readonly timers: number
  /** Everything that keeps its event loop alive. */
  readonly resources: number
  /** Requests sent until then. */
  readonly requests: number
}

export interface Verdict {
  readonly what: string
  readonly from: number
  readonly to: number
  readonly toMax: number
  readonly isWell: boolean
}

const MiB = 1024 * 1024

export async function takeSample (pid: number, adminUrl: string, second: number, requests: number): Promise<Sample> {
  const series = await scrape(adminUrl)
  const value = (name: string) => series.get(name) ?? NaN
  return {
    second,
    rssMiB: residentMemory(pid).nowMiB,
    heapMiB: value('nodejs_heap_size_used_bytes') / MiB,
    externalMiB: value('nodejs_external_memory_bytes') / MiB,
    sockets: socketsOf(pid),
    timers: series.get('nodejs_active_resources{type="Timeout"}') ?? 0,
    resources: value('nodejs_active_resources_total'),
    requests,
  }
}

/** By how much each may be more at the end than in the second quarter, when all caches are warm: a share, and an amount on top. */
const allowances = {
  rssMiB: [0.1, 12],
  heapMiB: [0.15, 6],
  externalMiB: [0.2, 6],
  sockets: [0.2, 20],
  timers: [0.2, 20],
  resources: [0.2, 40],
} as const satisfies Partial<Record<keyof Sample, readonly [number, number]>>
const names = { rssMiB: 'resident memory, MiB', heapMiB: 'heap, MiB', externalMiB: 'external memory, MiB', sockets: 'sockets', timers: 'timers', resources: 'active resources' }
const measures = Object.keys(allowances) as (keyof typeof allowances)[]

/** Whether anything grew under traffic: medians of the second and of the last quarter, of heap the lowest values. */
export function judgeGrowth (samples: readonly Sample[]): Verdict[] {
  const quarter = Math.floor(samples.length / 4)
  const early = samples.slice(quarter, quarter * 2)
  const late = samples.slice(-quarter)
  return measures.map(measure => {
    // Between two collections of garbage the heap says little: its floor does.
    const typical = (of: readonly Sample[]) => measure === 'heapMiB' ? Math.min(...of.map(sample => sample[measure])) : median(of.map(sample => sample[measure]))
    const [share, amount] = allowances[measure]
    return verdict(`${names[measure]}: second quarter to last`, typical(early), typical(late), typical(early) * (1 + share) + amount)
  })
}

/** Whether all that traffic took was given back after it, compared with the process before any traffic. */
export function judgeRest (before: Sample, after: Sample): Verdict[] {
  return [
    verdict('sockets: before traffic to after it', before.sockets, after.sockets, before.sockets + 6),
    verdict('timers: before traffic to after it', before.timers, after.timers, before.timers + 4),
  ]
}

function verdict (what: string, from: number, to: number, toMax: number): Verdict {
  return { what, from, to, toMax, isWell: to <= toMax }
}

function socketsOf (pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter(name => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}
