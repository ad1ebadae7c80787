import type { Exchange, StoredRow, Violation } from './exchange.ts'
import { type Circumstances, type Verdict, verdictsOf } from './verdicts.ts'

/** Codes of answers that are given only after the key's secret was proven. */
const provenCodes: readonly unknown[] = ['key_disabled', 'key_revoked', 'key_expired', 'insufficient_scope', 'upstream_unreachable', 'upstream_timeout']

/** Judges the usage rows of a whole run: one for each request with a proven key, none for any other. */
export function judgeRows (exchanges: readonly Exchange[], rows: readonly StoredRow[], wasSeen: (id: string) => boolean, circumstances: Circumstances): Violation[] {
  const rowsById = new Map<string, StoredRow[]>()
  for (const row of rows) {
    const others = rowsById.get(row.requestId)
    if (others === undefined) rowsById.set(row.requestId, [row])
    else others.push(row)
  }
  const violations = exchanges.flatMap(exchange => judgeRowsOf(exchange, rowsById.get(exchange.id) ?? [], wasSeen(exchange.id), circumstances))
  const ids = new Set(exchanges.map(({ id }) => id))
  for (const [id, [row]] of rowsById) {
    if (!ids.has(id)) violations.push({ kind: 'unexplained row', what: `of no request: ${JSON.stringify(row)}`, exchange: null })
  }
  return violations
}

function judgeRowsOf (exchange: Exchange, rows: readonly StoredRow[], wasSeen: boolean, circumstances: Circumstances): Violation[] {
  const violation = (kind: Violation['kind'], what: string): Violation => ({ kind, what, exchange })
  const [row] = rows
  if (rows.length > 1) return [violation('double row', JSON.stringify(rows))]
  const verdicts = verdictsOf(exchange, circumstances)
  if (row === undefined) {
    const isGone = verdicts.some(({ proven }) => proven !== null && circumstances.deletedKeyIds.has(proven.keyId))
    return mustHaveRow(exchange, verdicts, wasSeen) && !isGone ? [violation('missing row', 'no usage row')] : []
  }
  if (mustHaveNoRow(exchange, wasSeen)) return [violation('unexplained row', JSON.stringify(row))]
  const isRight = row.method === exchange.method && row.endpoint === exchange.path &&
    (exchange.outcome.kind !== 'answered' || row.status === exchange.outcome.status) &&
    verdicts.some(({ proven, route }) => proven?.keyId === row.keyId && route?.id === row.route)
  return isRight ? [] : [violation('wrong row', JSON.stringify(row))]
}

function mustHaveRow ({ outcome, secret }: Exchange, verdicts: readonly Verdict[], wasSeen: boolean): boolean {
  if (secret === null || verdicts.some(({ route }) => route?.auth === 'none')) return false
  // Whatever it was answered with: the upstream gets nothing without a proven key.
  return wasSeen || (outcome.kind === 'answered' && (outcome.status === 200 || provenCodes.includes(outcome.code)))
}

function mustHaveNoRow ({ outcome, secret }: Exchange, wasSeen: boolean): boolean {
  if (secret === null || outcome.kind === 'refused') return true
  return !wasSeen && outcome.kind === 'answered' && outcome.status !== 200 && !provenCodes.includes(outcome.code)
}
