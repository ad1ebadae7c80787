import type pg from 'pg'

/** A query with a time-out of its own, which pg reads and its types don't mention. */
export interface TimedQuery extends pg.QueryConfig {
  readonly query_timeout: number
}
