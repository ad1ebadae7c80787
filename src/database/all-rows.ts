import type { Pool } from 'pg'
import { hidesRows, RowsHiddenError } from './hidden-rows.ts'

/**
 * Rejects with RowsHiddenError where row-level security may keep rows of a table from this role: what is counted or
 * handed on would look complete. Names tables with their schemas.
 */
export async function demandAllRows (pool: Pool, ...tables: readonly [string, ...string[]]): Promise<void> {
  const { rows: [hides] } = await pool.query<boolean[]>({
    text: `select ${tables.map(table => hidesRows(`'${table}'::regclass`)).join(', ')}`,
    rowMode: 'array',
  })
  const hidden = tables.find((_, index) => hides?.[index] !== false)
  if (hidden !== undefined) throw new RowsHiddenError(hidden)
}
