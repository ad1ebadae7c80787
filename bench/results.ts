/** A table of the bench, with what it was made from. */
export interface Section {
  readonly scenario: string
  readonly title: string
  /** By column. */
  readonly rows: ReadonlyArray<Readonly<Record<string, string | number | null>>>
  /** Ratios, and what to mind. */
  readonly notes: readonly string[]
  /** Every measurement, in the order made. */
  readonly rounds: readonly object[]
}

export interface Results {
  readonly measuredAt: string
  readonly node: string
  readonly processor: string
  readonly cores: number
  readonly rounds: number
  readonly seconds: number
  readonly sections: readonly Section[]
}

/** To a tenth below 100, to a hundredth below 10, else whole; null for what wasn't measured. */
export function rounded (value: number | undefined): number | null {
  if (value === undefined || !Number.isFinite(value)) return null
  const factor = Math.abs(value) < 10 ? 100 : Math.abs(value) < 100 ? 10 : 1
  return Math.round(value * factor) / factor
}

/** A plain table as people read it, in Markdown too. */
export function tableOf (rows: Section['rows']): string {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const lines = [columns, ...rows.map(row => columns.map(column => cell(row[column])))]
  const widths = columns.map((_, i) => Math.max(...lines.map(line => line[i]!.length)))
  const isText = columns.map(column => rows.some(row => typeof row[column] === 'string'))
  const line = (cells: readonly string[]) => `| ${cells.map((text, i) => isText[i] ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)).join(' | ')} |`
  const rule = `|${widths.map((width, i) => isText[i] ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`).join('|')}|`
  return [line(lines[0]!), rule, ...lines.slice(1).map(line)].join('\n')
}

function cell (value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'number' && value >= 1_000 ? value.toLocaleString('en') : String(value)
}
