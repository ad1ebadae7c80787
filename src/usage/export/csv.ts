import { exportedColumns, type ExportedRow } from './exported-row.ts'
import type { TextFormat } from './text-format.ts'

/** Neither an end of a field, in any country's CSV, nor a space that a reader might trim. */
const plain = /^[^\s",;]+$/

/**
 * What spreadsheets take for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection), the
 * full-width ones included, also behind quotes and spaces that they skip. Where the semicolon separates fields, as it
 * does in much of Europe, one within a text begins the next field.
 */
const formulaStart = /(^|;)(?=[\s"\u00ad\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g

const invisible = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * RFC 4180: a header, CRLF, quotes where a text needs them. Null is an empty field, an empty text is "".
 *
 * Whoever sends a request chooses some of its texts, and who opens the file may do so in a spreadsheet. So what would
 * be a formula there is kept from it by an apostrophe, and control characters, as well as those that change the order
 * in which others are read, are written as \u000a and the like: a line is a row to every tool.
 */
export const csv: TextFormat = { mediaType: 'text/csv; charset=utf-8; header=present', header: csvLine(exportedColumns), lineOf, idOf }

/** Also for other tables than that of the rows. */
export function csvLine (values: readonly (string | number | Date | null)[]): string {
  return `${values.map(fieldOf).join(',')}\r\n`
}

function lineOf (row: ExportedRow): string {
  return csvLine(exportedColumns.map(column => row[column]))
}

function idOf (line: string): number | null {
  const id = /^(\d+),.*\r$/s.exec(line)?.[1]
  return id === undefined ? null : Number(id)
}

function fieldOf (value: string | number | Date | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  if (value instanceof Date) return value.toISOString()
  const text = withoutFormulas(visible(value))
  return plain.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}

function withoutFormulas (text: string): string {
  return text.replace(formulaStart, "$1'")
}

/** Comes first: a tab or a carriage return may begin a formula, too, and doesn't once it is written out. */
function visible (text: string): string {
  return text.replace(invisible, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
