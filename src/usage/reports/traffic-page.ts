import { UsageError } from '../../errors.ts'
import { checkAsked, isValueOf, type SqlType } from './checks.ts'
import type { Parameters } from './counted-usage.ts'
import { dimensions, limitMax, orders, type TrafficDimension, type TrafficFilter, type TrafficOrder, type TrafficQuery } from './traffic-query.ts'

export interface CheckedQuery {
  readonly by: readonly TrafficDimension[]
  readonly filter: TrafficFilter
  readonly order: TrafficOrder
  readonly limit: number
  /** Of the last row of the page before, what rows are ordered by. */
  readonly after: readonly (string | number)[] | null
}

/** SQL types of the dimensions' values. */
export const dimensionTypes: Readonly<Record<TrafficDimension, SqlType>> = {
  key: 'bigint', user: 'uuid', route: 'text', status: 'integer', statusClass: 'integer', hour: 'timestamptz', day: 'timestamptz', month: 'timestamptz',
}
const dimensionsMax = 3
const limitDefault = 100

/** Defaults filled in. Errors: UsageError. */
export function checked ({ by, filter = {}, order, limit = limitDefault, cursor }: TrafficQuery): CheckedQuery {
  const unknown = by.find((dimension) => !dimensions.includes(dimension))
  if (unknown !== undefined) throw new UsageError(`A report can be by ${dimensions.join(', ')}, not by ${unknown}`)
  if (by.length < 1 || by.length > dimensionsMax || new Set(by).size < by.length) throw new UsageError(`A report is by one to ${dimensionsMax} of ${dimensions.join(', ')}, each once`)
  const hasTime = by.some(isOfTime)
  if (order !== undefined && !orders.includes(order)) throw new UsageError(`A report can be in order of ${orders.join(', ')}, not of ${order}`)
  if (order === 'time' && !hasTime) throw new UsageError('Only a report by hour, day or month can be in order of time')
  checkAsked({ filter, limit, limitMax, unit: 'rows' })
  const query = { by, filter, order: order ?? (hasTime ? 'time' : 'requests'), limit }
  return { ...query, after: cursor === undefined ? null : readCursor(query, cursor) }
}

export function isOfTime (dimension: TrafficDimension): boolean {
  return dimensionTypes[dimension] === 'timestamptz'
}

/** SQL: what is on the page, among rows whose columns are named as the dimensions, and in which order. */
export function pageSql (page: CheckedQuery, parameters: Parameters): { condition: string, order: string } {
  const metric = metricOf(page)
  const keys = ties(page)
  const columns = keys.map((dimension) => `"${dimension}"`).join(', ')
  const order = metric === null ? columns : `${metric} desc, ${columns}`
  if (page.after === null) return { condition: 'true', order }
  const [first, ...rest] = page.after
  const values = metric === null ? page.after : rest
  const isBehind = `(${columns}) > (${keys.map((dimension, i) => parameters.of(values[i], dimensionTypes[dimension])).join(', ')})`
  if (metric === null) return { condition: isBehind, order }
  const than = parameters.of(first, 'float8')
  return { condition: `(${metric} < ${than} or (${metric} = ${than} and ${isBehind}))`, order }
}

/** The cursor of the page that follows the one whose last row is given. */
export function pageAfter (page: CheckedQuery, row: Readonly<Record<string, unknown>>): string {
  const metric = metricOf(page)
  const values = [...metric === null ? [] : [row[metric]], ...ties(page).map((dimension) => row[dimension])]
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

function metricOf ({ order }: Pick<CheckedQuery, 'order'>): 'requests' | 'errors' | null {
  return order === 'time' ? null : order
}

/** What tells rows apart that are equal otherwise. */
function ties ({ by, order }: Pick<CheckedQuery, 'by' | 'order'>): TrafficDimension[] {
  return order === 'time' ? [...by.filter(isOfTime), ...by.filter((dimension) => !isOfTime(dimension))] : [...by]
}

function readCursor (query: Pick<CheckedQuery, 'by' | 'order'>, cursor: string): (string | number)[] {
  const values = parsed(cursor)
  const length = query.by.length + (metricOf(query) === null ? 0 : 1)
  const names = ties(query)
  const isFit = Array.isArray(values) && values.length === length && values.every((value, i) => {
    const dimension = names[i - (length - names.length)]
    // A count is compared as a float8, which is exact for any that there can be.
    return dimension === undefined ? Number.isSafeInteger(value) : isValueOf(dimensionTypes[dimension], value)
  })
  if (!isFit) throw new UsageError('The cursor is not one of this report')
  return values
}

function parsed (cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return null
  }
}
