import type { TrafficFilter } from '../../usage/reports/traffic-query.ts'

/** As statusRange() reads it: one status, or a whole class. */
export interface StatusRange {
  readonly least: number
  readonly most: number
}

export function statusFilter (status: StatusRange | undefined): Pick<TrafficFilter, 'status' | 'statusClass'> {
  if (status === undefined) return {}
  return status.least === status.most ? { status: status.least } : { statusClass: Math.floor(status.least / 100) }
}
