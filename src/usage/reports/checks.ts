import { UsageError } from '../../errors.ts'
import type { TrafficFilter } from './traffic-query.ts'

export type SqlType = 'bigint' | 'uuid' | 'text' | 'integer' | 'timestamptz'

const filterTypes: Readonly<Record<keyof TrafficFilter, SqlType>> = { keyId: 'bigint', userId: 'uuid', route: 'text', status: 'integer', statusClass: 'integer' }

/** What each report is asked for, apart from what it counts. */
export interface Asked {
  readonly filter?: { readonly [name in keyof TrafficFilter]?: TrafficFilter[name] | null | undefined }
  readonly limit: number
  readonly limitMax: number
  /** What `limit` counts. */
  readonly unit: 'rows' | 'keys'
  /** Id of the last key of the page before. */
  readonly afterId?: number
  readonly since?: Date
}

/** So that what makes no sense is told apart from a database that is at fault. Errors: UsageError. */
export function checkAsked ({ filter = {}, limit, limitMax, unit, afterId = 0, since }: Asked): void {
  for (const name of Object.keys(filterTypes) as (keyof TrafficFilter)[]) {
    const value = filter[name]
    if (value !== undefined && value !== null && !isValueOf(filterTypes[name], value)) throw new UsageError(`The filter's ${name} is none: ${JSON.stringify(value)}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) throw new UsageError(`A report has 1 to ${limitMax} ${unit} a page`)
  if (!isValueOf('bigint', afterId)) throw new UsageError('The cursor is not one of this report')
  if (since !== undefined && Number.isNaN(since.getTime())) throw new UsageError('The time from which on a report counts is none')
}

const integerMax = 2 ** 31 - 1

/** Whether Postgres takes it for a value of the type: of times, only as toISOString() writes those of our era. */
export function isValueOf (type: SqlType, value: unknown): value is string | number {
  switch (type) {
    case 'timestamptz': return typeof value === 'string' && /^(?!0000)\d{4}-/.test(value) && isIsoString(value)
    case 'uuid': return typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)
    case 'text': return typeof value === 'string' && !value.includes('\0')
    // As a number, or as pg reads it.
    case 'bigint': return typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^\d{1,18}$/.test(value)
    case 'integer': return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= integerMax
  }
}

function isIsoString (text: string): boolean {
  const time = new Date(text)
  return !Number.isNaN(time.getTime()) && time.toISOString() === text
}
