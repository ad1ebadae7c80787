import { exportedColumns, type ExportedRow } from './exported-row.ts'
import type { TextFormat } from './text-format.ts'

/** One JSON object a line. */
export const ndjson: TextFormat = { mediaType: 'application/x-ndjson', header: '', lineOf, idOf }

/** JSON leaves these as they are: ends of a line to some readers, and commands to a terminal. */
const invisible = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function lineOf (row: ExportedRow): string {
  const text = JSON.stringify(row, [...exportedColumns])
  return `${text.replace(invisible, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

function idOf (line: string): number | null {
  try {
    const { id } = JSON.parse(line) as { id?: unknown }
    return Number.isSafeInteger(id) ? id as number : null
  } catch {
    return null
  }
}
