import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * How many workers a setting means. `auto`: one for each core that this process may use, by its affinity and by the
 * quota of its control group, which Node 20 doesn't know of. Half a core more is none: it would only be throttled.
 */
export function workerCount (setting: number | 'auto', read: (file: string) => string | null = readText): number {
  if (setting !== 'auto') return setting
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota(read)), workersMax))
}

const workersMax = 64

/** In cores, the smallest of the group's own and those of the groups above it. */
function quota (read: (file: string) => string | null): number {
  // In a container the root that it sees is its own group.
  const groups = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1]?.split('/').filter(Boolean) ?? []
  const quotas = groups.map((_, index) => coresOf(read(`/sys/fs/cgroup/${groups.slice(0, index + 1).join('/')}/cpu.max`)))
  return Math.min(coresOf(read('/sys/fs/cgroup/cpu.max')), ...quotas, firstVersionQuota(read))
}

/** `200000 100000`: microseconds in each period; `max 100000`: no bound. */
function coresOf (text: string | null): number {
  const [, quotaUs, periodUs] = /^(\d+) (\d+)/.exec(text ?? '') ?? []
  return quotaUs === undefined ? Infinity : Number(quotaUs) / Number(periodUs)
}

function firstVersionQuota (read: (file: string) => string | null): number {
  const [quotaUs, periodUs] = ['quota', 'period'].map(name => Number(read(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`) ?? -1))
  return quotaUs! > 0 && periodUs! > 0 ? quotaUs! / periodUs! : Infinity
}

function readText (file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
