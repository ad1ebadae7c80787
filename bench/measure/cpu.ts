import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export interface CpuSeconds {
  /** The process itself, all its threads included. */
  readonly own: number
  /** All its descendants, those that have ended included. */
  readonly helpers: number
}

interface Process {
  readonly parent: number
  readonly ticks: number
  readonly endedChildrenTicks: number
}

/** CPU seconds (user and system) that a process and its descendants have used, from /proc. Linux only. */
export function cpuSeconds (pid: number): CpuSeconds {
  const all = processes()
  let helperTicks = 0
  for (const [candidate, { ticks, endedChildrenTicks }] of all) {
    if (!descendsFrom(candidate, pid, all)) continue
    helperTicks += endedChildrenTicks + (candidate === pid ? 0 : ticks)
  }
  return { own: (all.get(pid)?.ticks ?? 0) / ticksPerSecond, helpers: helperTicks / ticksPerSecond }
}

/** Microseconds of CPU a request, helpers included, between two readings. */
export function microsPerRequest (before: CpuSeconds, after: CpuSeconds, requests: number): number {
  return (after.own + after.helpers - before.own - before.helpers) * 1e6 / requests
}

/** A process and its descendants. */
export function processTree (pid: number): number[] {
  const all = processes()
  return [...all.keys()].filter(candidate => descendsFrom(candidate, pid, all))
}

function processes (): Map<number, Process> {
  const all = new Map<number, Process>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      all.set(Number(name), parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')))
    } catch { /* it ended meanwhile */ }
  }
  return all
}

/** What counts in the text of a /proc/PID/stat; see proc(5). */
export function parseStat (stat: string): Process {
  // The command's name, in brackets, may hold anything: the fields begin behind the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number)
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
  return { parent: fields[1] ?? 0, ticks: user + system, endedChildrenTicks: endedUser + endedSystem }
}

function descendsFrom (pid: number, ancestor: number, all: Map<number, Process>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = all.get(at)?.parent) {
    if (at === ancestor) return true
  }
  return false
}
