import { csvLine } from '../../usage/export/csv.ts'
import type { Output } from '../output.ts'

export type Value = string | number | Date | null

/** A column of a report: its name for machines and its title for people. */
export interface Column<Row> {
  readonly name: string
  readonly title: string
  value (row: Row): Value
  /** For people; left out: the value as it is. */
  text? (row: Row): string
}

export function printTable<Row> (output: Output, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  output.table(columns.map(({ title }) => title), rows.map(row => columns.map(column => column.text?.(row) ?? textOf(column.value(row)))))
}

/** As `usage export` writes it. */
export function printCsv<Row> (columns: readonly Column<Row>[], rows: readonly Row[]): void {
  process.stdout.write(csvLine(columns.map(({ name }) => name)))
  for (const row of rows) process.stdout.write(csvLine(columns.map(column => column.value(row))))
}

function textOf (value: Value): string {
  if (value === null || value === '') return '-'
  return value instanceof Date ? value.toISOString() : String(value)
}
