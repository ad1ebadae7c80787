import { readFileSync } from 'node:fs'
import { processTree } from './cpu.ts'

export interface ResidentMemory {
  readonly nowMiB: number
  readonly peakMiB: number
}

/** Resident memory of a process and its descendants together; what they share counts once for each. Linux only. */
export function residentMemory (pid: number): ResidentMemory {
  let nowKiB = 0
  let peakKiB = 0
  for (const member of processTree(pid)) {
    try {
      const status = readFileSync(`/proc/${member}/status`, 'utf8')
      nowKiB += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
      peakKiB += Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
    } catch { /* it ended meanwhile */ }
  }
  return { nowMiB: nowKiB / 1024, peakMiB: peakKiB / 1024 }
}
