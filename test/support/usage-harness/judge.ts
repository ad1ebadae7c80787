import type { Asked, WrittenRow } from './asked.ts'

/** What is promised: a row is on its disk so long after its answer, twice over for a busy machine. */
export const atRiskMs = 200
/**
 * After the kill of one worker, answers that it still gave are read from the sockets' buffers for so long. Those of the
 * other workers in that time are judged as leniently, as a client can't tell who answered.
 */
const afterglowMs = 500
/** These are given only once the key's secret was proven. */
const recordedStatuses: readonly (number | null)[] = [200, 403]
const shownMax = 20

export interface Violation {
  readonly kind: 'lost row' | 'double row' | 'unknown row' | 'wrong row'
  readonly id: string
  readonly what: string
}

export interface Verdict {
  readonly violations: readonly Violation[]
  /** Requests that had to have their row. */
  readonly owed: number
  /** Requests that may have one or not, and those of them that have. */
  readonly atRisk: number
  readonly atRiskWritten: number
  /** Of those that had to have their row and don't. */
  readonly missing: readonly Asked[]
}

/** Compares what clients saw with what was written. */
export function judge (asked: readonly Asked[], rows: readonly WrittenRow[]): Verdict {
  const rowsById = new Map<string, WrittenRow[]>()
  for (const row of rows) {
    const others = rowsById.get(row.requestId)
    if (others === undefined) rowsById.set(row.requestId, [row])
    else others.push(row)
  }
  const violations: Violation[] = []
  const missing: Asked[] = []
  let owed = 0
  let atRisk = 0
  let atRiskWritten = 0
  for (const request of asked) {
    const written = rowsById.get(request.id) ?? []
    rowsById.delete(request.id)
    const violation = (kind: Violation['kind'], what: string) => violations.push({ kind, id: request.id, what: `${what}; ${story(request)}` })
    if (written.length > 1) violation('double row', `${written.length} rows`)
    const wrong = written.find(row => !isOf(row, request))
    if (wrong !== undefined) violation('wrong row', JSON.stringify(wrong))
    if (isOwed(request)) {
      owed++
      if (written.length === 0) {
        violation('lost row', 'no row')
        missing.push(request)
      }
    } else {
      atRisk++
      if (written.length > 0) atRiskWritten++
    }
  }
  for (const [id, [row]] of rowsById) violations.push({ kind: 'unknown row', id, what: JSON.stringify(row) })
  return { violations, owed, atRisk, atRiskWritten, missing }
}

/** For people: how many of each kind, and some of each. */
export function tell (violations: readonly Violation[]): string[] {
  return [...new Set(violations.map(({ kind }) => kind))].flatMap(kind => {
    const these = violations.filter(violation => violation.kind === kind)
    return [`${these.length} × ${kind}`, ...these.slice(0, shownMax).map(({ id, what }) => `  ${id}: ${what}`)]
  })
}

function isOwed ({ status, completedAtMs, life }: Asked): boolean {
  if (completedAtMs === null || !recordedStatuses.includes(status)) return false
  return !life.kills.some(({ atMs, lateMs }) => completedAtMs > atMs - atRiskMs - lateMs && completedAtMs < atMs + afterglowMs + lateMs)
}

function isOf (row: WrittenRow, { path, status, completedAtMs }: Asked): boolean {
  return row.endpoint === path && row.route !== null && (completedAtMs === null || row.status === status)
}

function story ({ path, life, sentAtMs, completedAtMs, status }: Asked): string {
  const answer = completedAtMs === null ? 'never answered' : `answered ${status} after ${ms(completedAtMs - sentAtMs)}`
  const next = life.kills.find(({ atMs }) => atMs >= (completedAtMs ?? sentAtMs))
  const before = next === undefined ? 'with no kill after it' : `${ms(next.atMs - (completedAtMs ?? sentAtMs))} before a kill, when all was ${ms(next.lateMs)} late`
  return `${path} at ${life.name} (pid ${life.process.cli.child.pid}), sent at ${ms(sentAtMs)}, ${answer}, ${before}`
}

function ms (value: number): string {
  return `${value.toFixed(1)} ms`
}
