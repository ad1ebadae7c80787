import type { ExportedRow } from './exported-row.ts'

/** How rows become lines. No line holds the end of another, so that half a line can be told from a whole one. */
export interface TextFormat {
  readonly mediaType: string
  /** What comes before the first row. */
  readonly header: string
  /** With its end. */
  lineOf (row: ExportedRow): string
  /** The row's id, of a whole line without its end; null for any other text. */
  idOf (line: string): number | null
}
