import { UsageError } from '../../errors.ts'

/** Whole hours, the last one not included. */
export interface Period {
  readonly from: Date
  readonly to: Date
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Rounded outward to whole hours. Errors: UsageError where it isn't one. */
export function periodOf (from: Date, to: Date): Period {
  // Also where one of them is no date.
  if (!(from.getTime() < to.getTime())) throw new UsageError('The period of a report must end after it begins')
  return { from: new Date(Math.floor(from.getTime() / hourMs) * hourMs), to: new Date(Math.ceil(to.getTime() / hourMs) * hourMs) }
}

/** The whole days of UTC in a period, and the hours before and after them; null where there are none. */
export function splitByDays ({ from, to }: Period): { readonly days: Period | null, readonly hours: readonly Period[] } {
  const firstDay = new Date(Math.ceil(from.getTime() / dayMs) * dayMs)
  const lastDay = new Date(Math.floor(to.getTime() / dayMs) * dayMs)
  if (firstDay >= lastDay) return { days: null, hours: [{ from, to }] }
  const hours = [{ from, to: firstDay }, { from: lastDay, to }].filter((period) => period.from < period.to)
  return { days: { from: firstDay, to: lastDay }, hours }
}
