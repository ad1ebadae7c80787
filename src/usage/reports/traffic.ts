import type pg from 'pg'
import type { ErrorQuery, ErrorReport, ReportOptions, TrafficQuery, TrafficReport } from './traffic-query.ts'

export * from './traffic-query.ts'

/**
 * Who sent how much, exact to the moment of the call. Errors: UsageError for a query that makes no sense,
 * ReportTimeoutError for one that takes too long.
 */
export async function trafficReport (pool: pg.Pool, query: TrafficQuery, options: ReportOptions = {}): Promise<TrafficReport> {
  throw new Error('Not there yet')
}

/** The commonest errors: which key, on which route, with which status. */
export async function errorReport (pool: pg.Pool, query: ErrorQuery, options: ReportOptions = {}): Promise<ErrorReport> {
  throw new Error('Not there yet')
}
