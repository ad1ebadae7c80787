import { refusedRow } from '../../database/refused-row.ts'
import { isRowRefused, sqlState } from '../../database/sqlstate.ts'
import type { ImportFault } from './faults.ts'
import type { ImportedRow, ImportStore } from './import-store.ts'

const foreignKeyViolation = '23503'
/** Of one batch: beyond these it isn't the rows that something is wrong with, or all of them. */
const refusalsMax = 200

interface Outcome {
  readonly inserted: ImportedRow[]
  readonly refused: ImportFault[]
}

/**
 * Inserts rows and finds, by halving, those that the database itself refuses: for a user that this role may not look
 * up, or by a constraint that a hand-made table has. Rejects where that are too many.
 */
export async function insertRows (store: ImportStore, rows: readonly ImportedRow[], outcome: Outcome = { inserted: [], refused: [] }): Promise<Outcome> {
  if (rows.length === 0) return outcome
  await store.savepoint()
  try {
    await store.insert(rows)
  } catch (err) {
    if (!isRowRefused(err) || outcome.refused.length === refusalsMax) throw err
    await store.undo()
    const [row] = rows
    if (row !== undefined && rows.length === 1) {
      outcome.refused.push(refusalOf(row, err))
      return outcome
    }
    const half = Math.ceil(rows.length / 2)
    await insertRows(store, rows.slice(0, half), outcome)
    return await insertRows(store, rows.slice(half), outcome)
  }
  await store.keep()
  outcome.inserted.push(...rows)
  return outcome
}

function refusalOf ({ line }: ImportedRow, err: unknown): ImportFault {
  if (sqlState(err) === foreignKeyViolation) return { line, field: 'userId', detail: 'no user has this id' }
  return { line, field: '', detail: refusedRow(err) }
}
