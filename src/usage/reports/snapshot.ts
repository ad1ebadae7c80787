import pg from 'pg'
import { UsageError } from '../../errors.ts'
import { sqlState } from '../../database/sqlstate.ts'
import type { TimedQuery } from '../../database/timed-query.ts'

export interface ReportOptions {
  /** What all its statements may take together; after that it fails with ReportTimeoutError. Default: 10 s. */
  readonly timeoutMs?: number
}

/** A report that would have taken too long. */
export class ReportTimeoutError extends UsageError {}

/** A query of one report. */
export type Ask = <R extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<R[]>

/**
 * Runs `work`, all of whose queries see the database as it was at the first of them, and none of which can change it. Together
 * they take no longer than they may. The client must not be within a transaction. Errors: ReportTimeoutError, those of `work`.
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
  const deadlineMs = performance.now() + timeoutMs
  const ask: Ask = async (text, values) => {
    // 0 would be no bound at all.
    const leftMs = Math.max(Math.ceil(deadlineMs - performance.now()), 1)
    await client.query(`set local statement_timeout = ${leftMs}`)
    const query: TimedQuery & { values: unknown[] } = { text, values, query_timeout: leftMs + answerMs }
    return (await client.query(query)).rows
  }
  try {
    await client.query(begin(timeoutMs))
    return await work(ask)
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
 * Days are UTC's, also where some are an hour shorter. Compiling a plan (JIT) takes longer than most reports. Groups
 * that don't fit into the memory allowed would be sorted on the disk.
 */
function begin (timeoutMs: number): string {
  return `
begin isolation level repeatable read, read only;
set local idle_in_transaction_session_timeout = ${Math.ceil(timeoutMs)};
set local timezone = 'UTC';
set local jit = off;
set local work_mem = '64MB'`
}
