import { countedOf } from './number.ts'

const exactFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const momentFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const weekdayFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** How far the clock of the screen may be behind what has just happened. */
const clockLagMs = 10 * secondMs

const units: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number, until: number])[] = [
  ['minute', minuteMs, 59.5 * minuteMs],
  ['hour', hourMs, 36 * hourMs],
  ['day', dayMs, 60 * dayMs],
  ['month', 30.44 * dayMs, 548 * dayMs],
  ['year', 365.25 * dayMs, Infinity],
]

/** The one measure of all spans, so that no two words for the same time differ. */
function measure (ms: number): { readonly count: number, readonly unit: Intl.RelativeTimeFormatUnit } {
  const [unit, unitMs] = units.find(([, , until]) => ms < until) ?? units.at(-1)!
  return { count: Math.max(1, Math.round(ms / unitMs)), unit }
}

/** `3 minutes ago`, `in 2 days`; within a minute `just now` or `in a moment`. */
export function relativeTime (iso: string, nowMs: number): string {
  const distanceMs = Date.parse(iso) - nowMs
  if (Math.abs(distanceMs) < 45 * secondMs) return distanceMs <= clockLagMs ? 'just now' : 'in a moment'
  const { count, unit } = measure(Math.abs(distanceMs))
  return relativeFormat.format(count * Math.sign(distanceMs), unit)
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

/** `3 days`, `5 hours`: what `relativeTime` says of it, without "ago". */
export function spanOf (ms: number): string {
  const { count, unit } = measure(ms)
  return countedOf(count, unit)
}

/** Of the hour that begins then: `this hour`, `in the hour from 22:00`, with the day where that is another. */
export function hourWords (iso: string, nowMs: number): string {
  const start = new Date(iso)
  if (start.getTime() + hourMs > nowMs) return 'this hour'
  const isToday = start.toDateString() === new Date(nowMs).toDateString()
  return `in the hour from ${clockFormat.format(start)}${isToday ? '' : ` on ${weekdayFormat.format(start).replace(',', '')}`}`
}
