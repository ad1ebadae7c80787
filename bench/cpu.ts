import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU seconds (user and system) that a process and all its descendants have used, threads included. Linux only. */
export function cpuSeconds (pid: number): number {
  const parents = parentsOfAll()
  let ticks = 0
  for (const [candidate, { ticks: own }] of parents) {
    if (descendsFrom(candidate, pid, parents)) ticks += own
  }
  return ticks / ticksPerSecond
}

function parentsOfAll (): Map<number, { parent: number, ticks: number }> {
  const all = new Map<number, { parent: number, ticks: number }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The command's name, in brackets, may hold anything: the fields begin behind the last bracket.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      all.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) })
    } catch { /* it ended meanwhile */ }
  }
  return all
}

function descendsFrom (pid: number, ancestor: number, all: Map<number, { parent: number }>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = all.get(at)?.parent) {
    if (at === ancestor) return true
  }
  return false
}
