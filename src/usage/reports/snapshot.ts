import pg from 'pg'
import { UsageError } from '../../errors.ts'
import { sqlState } from '../../database/sqlstate.ts'
import type { TimedQuery } from '../../database/timed-query.ts'

export interface ReportOptions {
  /** What each of its statements may take; after that it fails with ReportTimeoutError. Default: 10 s. */
  readonly timeoutMs?: number
}

/** A report that would have taken too long. */
export class ReportTimeoutError extends UsageError {}

/** A query of one report. */
export type Ask = <R extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<R[]>

/**
 * Runs `work`, all of whose queries see the database as it was at the first of them, and none of which can change it or
 * takes longer than it may. The client must not be within a transaction. Errors: ReportTimeoutError, those of `work`.
 */
export async function inSnapshot<T> (client: pg.Pool | pg.ClientBase, { timeoutMs = timeoutMsDefault }: ReportOptions, work: (ask: Ask) => Promise<T>): Promise<T> {
  if (client instanceof pg.Pool) {
    const checkedOut = await client.connect()
    let isReusable = false
    try {
      const result = await inSnapshot(checkedOut, { timeoutMs }, work)
      isReusable = true
      return result
    } catch (err) {
      isReusable = sqlState(err) !== null || err instanceof UsageError
      throw err
    } finally {
      checkedOut.release(!isReusable)
    }
  }
  const query = (text: string, values: unknown[]): TimedQuery & { values: unknown[] } => ({ text, values, query_timeout: timeoutMs + answerMs })
  try {
    await client.query(begin(timeoutMs))
    return await work(async (text, values) => (await client.query(query(text, values))).rows)
  } catch (err) {
    if (sqlState(err) === queryCanceled) {
      throw new ReportTimeoutError(`The report takes longer than ${timeoutMs / 1_000} s. Ask for a shorter period, for one key or route, or for fewer dimensions`, { cause: err })
    }
    throw err
  } finally {
    await client.query('rollback').catch(() => {})
  }
}

const timeoutMsDefault = 10_000
/** Postgres is to be the first to end a query. */
const answerMs = 5_000
const queryCanceled = '57014'

/**
 * Compiling a plan (JIT) takes longer than most reports. Groups that don't fit into the memory allowed would be sorted
 * on the disk.
 */
function begin (timeoutMs: number): string {
  return `
begin isolation level repeatable read, read only;
set local statement_timeout = ${Math.ceil(timeoutMs)};
set local idle_in_transaction_session_timeout = ${Math.ceil(timeoutMs)};
set local jit = off;
set local work_mem = '64MB'`
}
