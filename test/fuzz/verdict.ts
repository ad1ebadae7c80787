import type { Test } from 'tap'
import type { FuzzReport } from './oracle.ts'

/** What 10 minutes of odd messages may leave behind in a process that has just started: caches, pools, compiled code. */
const residentGrowthMaxMiB = 200

export function judge (t: Test, seed: number, { cases, admitted, public: publicCount, controls, statuses, faults, sockets, residentMiB }: FuzzReport): void {
  const answers = [...statuses].sort(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`).join(', ')
  t.comment(`FUZZ_SEED=${seed}: ${cases} connections; ${admitted} requests admitted, ${publicCount} public, ${controls} of control; answers ${answers}`)
  t.comment(`sockets ${sockets.before} -> ${sockets.after}, resident memory ${Math.round(residentMiB.before)} -> ${Math.round(residentMiB.after)} MiB`)
  for (const fault of faults) t.fail(fault)
  t.ok(cases > 0 && controls > 0, 'cases were sent')
  t.ok(sockets.after <= sockets.before, 'no socket is left')
  t.ok(residentMiB.after - residentMiB.before < residentGrowthMaxMiB, 'nor much memory')
}
