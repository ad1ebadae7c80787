import type { Pool } from 'pg'
import { demandAllRows } from '../../database/all-rows.ts'
import { queryCanceled } from '../../database/bounded-query.ts'
import { sqlState } from '../../database/sqlstate.ts'
import type { ExportedRow } from './exported-row.ts'
import { everything, type ExportFilter } from './filter.ts'
import { readPage } from './page.ts'

export interface ExportRequest {
  /** Goes on behind this id; 0: from the first. */
  readonly afterId: number
  /**
   * The last id that is exported: one below which no row can appear any more. Rows become visible when their
   * transaction commits, in any order; what is still open when an export passes by would be missed for good.
   */
  readonly settledId: number
  readonly filter?: ExportFilter
  /** Of the whole export. */
  readonly rowsMax?: number | null
  readonly pageRowsMax?: number
  /** Of each query. */
  readonly timeoutMs?: number
  /** Once aborted, the query under way ends, and the export with it. */
  readonly signal?: AbortSignal
}

export interface ExportPage {
  readonly rows: readonly ExportedRow[]
  /** Every row that matches and whose id isn't above was given, in this page or before: where the next export goes on. */
  readonly cursor: number
}

const pageRowsDefault = 1_000
const timeoutDefaultMs = 20_000
/** Ids that the first query looks at, for each row of a page. */
const firstIdsPerRow = 10
const quickMs = 100
const slowMs = 1_000

/**
 * Gives the rows that match in the order of their ids, which is the order of their arrival, a page at a time, and
 * reads the next page only when it is asked for it. Between pages it holds neither a connection nor a transaction.
 *
 * Each query looks at a stretch of ids. Stretches grow while they are read quickly: where an index finds the few rows
 * of one key, or ids are far between, the whole table is soon one stretch; where Postgres has to look at each row, a
 * query still takes about a second and doesn't depend on how many rows match.
 *
 * Throws RowsHiddenError before the first page where row-level security hides rows from the pool's role.
 */
export async function * exportPages (pool: Pool, { afterId, settledId, filter = everything, rowsMax = null, pageRowsMax = pageRowsDefault, timeoutMs = timeoutDefaultMs, signal }: ExportRequest): AsyncGenerator<ExportPage> {
  await demandAllRows(pool, 'public.api_key_usage', 'public.api_keys')
  let cursor = afterId
  let rowsLeft = rowsMax ?? Infinity
  let ids = pageRowsMax * firstIdsPerRow
  while (cursor < settledId && rowsLeft > 0) {
    const stretch = { afterId: cursor, lastId: Math.min(cursor + ids, settledId) }
    const pageRows = Math.min(pageRowsMax, rowsLeft)
    const startedMs = performance.now()
    let rows: ExportedRow[]
    try {
      rows = await readPage(pool, { stretch, filter, rowsMax: pageRows, timeoutMs, signal })
    } catch (err) {
      if (sqlState(err) !== queryCanceled || ids <= pageRowsMax) throw err
      ids = Math.max(pageRowsMax, Math.floor(ids / 8))
      continue
    }
    const tookMs = performance.now() - startedMs
    const isFull = rows.length === pageRows
    cursor = isFull ? rows.at(-1)!.id : stretch.lastId
    rowsLeft -= rows.length
    if (!isFull && tookMs < quickMs) ids *= 4
    if (tookMs > slowMs) ids = Math.max(pageRowsMax, Math.floor(ids / 2))
    yield { rows, cursor }
  }
}
