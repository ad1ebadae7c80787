const exactFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const momentFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const units: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number, until: number])[] = [
  ['minute', minuteMs, hourMs],
  ['hour', hourMs, 36 * hourMs],
  ['day', dayMs, 60 * dayMs],
  ['month', 30.44 * dayMs, 548 * dayMs],
  ['year', 365.25 * dayMs, Infinity],
]

/** `3 minutes ago`, `in 2 days`; within a minute `just now` or `in a moment`. */
export function relativeTime (iso: string, nowMs: number): string {
  const distanceMs = Date.parse(iso) - nowMs
  const size = Math.abs(distanceMs)
  if (size < 45 * secondMs) return distanceMs <= 0 ? 'just now' : 'in a moment'
  const [unit, ms] = units.find(([, , until]) => size < until) ?? units.at(-1)!
  const count = Math.max(1, Math.round(size / ms)) * Math.sign(distanceMs)
  return relativeFormat.format(count, unit)
}

/** To the second, with the time zone, in the reader's own. */
export function exactTime (iso: string): string {
  return exactFormat.format(new Date(iso))
}

export function dayOf (iso: string): string {
  return dayFormat.format(new Date(iso))
}

/** `Thu 4 Dec, 14:00`. */
export function momentOf (iso: string): string {
  return momentFormat.format(new Date(iso)).replace(/^(\w+),/, '$1')
}

/** `3 days`, `5 hours`: a span in its largest whole unit. */
export function spanOf (ms: number): string {
  const [count, unit] = ms < hourMs ? [ms / minuteMs, 'minute'] : ms < 48 * hourMs ? [ms / hourMs, 'hour'] : [ms / dayMs, 'day']
  const whole = Math.max(1, Math.floor(count))
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`
}
