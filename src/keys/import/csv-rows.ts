import { type CsvRecord, CsvReader } from './csv-reader.ts'
import { type ImportFault, UnreadableSourceError } from './faults.ts'
import { parseScopes } from './scopes-text.ts'
import { fieldNamed, type ImportField, isDisabledByNull, requiredFields, rowFaultsMax, type SourceRow, unknownName } from './source-row.ts'

/** Each that is unknown is compared with all that are known. */
const columnsMax = 100

interface Column {
  readonly name: string
  /** null: ignored. */
  readonly field: ImportField | null
}

/** The rows of a CSV file whose first line names the columns. */
export async function * csvRows (text: AsyncIterable<string> | Iterable<string>): AsyncGenerator<readonly SourceRow[]> {
  const reader = new CsvReader()
  let columns: readonly Column[] | null = null
  const rowsOf = (records: readonly CsvRecord[]): SourceRow[] => {
    const [header, ...rest] = records
    if (columns !== null || header === undefined) return records.map((record) => rowOf(record, columns ?? []))
    const known = columns = columnsOf(header)
    return rest.map((record) => rowOf(record, known))
  }
  let isFirst = true
  for await (const chunk of text) {
    yield rowsOf(reader.read(isFirst ? chunk.replace(/^\ufeff/, '') : chunk))
    if (chunk !== '') isFirst = false
  }
  yield rowsOf(reader.end())
  if (columns === null) throw new UnreadableSourceError([{ line: 1, field: '', detail: `it is empty: the first line must name the columns, ${requiredFields.join(',')} and others` }])
}

/** One object, such as a line of NDJSON has. */
export function objectRow (value: unknown, line: number): SourceRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, values: {}, ignored: [], faults: [{ line, field: '', detail: 'is not an object' }] }
  }
  const row = new RowBuilder(line)
  for (const [i, [name, content]] of Object.entries(value).entries()) {
    const field = fieldNamed(name)
    if (field === undefined) row.fault('', unknownName(name, `member ${i + 1}`))
    if (row.hasEnoughFaults) break
    if (field !== undefined) row.set({ name, field }, content)
  }
  return row.build()
}

class RowBuilder {
  readonly #line: number
  readonly #values: Partial<Record<ImportField, unknown>> = {}
  readonly #ignored: unknown[] = []
  readonly #faults: ImportFault[] = []

  constructor (line: number) {
    this.#line = line
  }

  set ({ name, field }: Column, value: unknown): void {
    if (field === null) this.#ignored.push(value)
    else if (field in this.#values) this.fault(field, 'is given twice')
    else this.#values[field] = value === null && isDisabledByNull(name) ? false : value
  }

  fault (field: string, detail: string): void {
    this.#faults.push({ line: this.#line, field, detail })
  }

  get hasEnoughFaults (): boolean {
    return this.#faults.length >= rowFaultsMax
  }

  build (): SourceRow {
    return { line: this.#line, values: this.#values, ignored: this.#ignored, faults: this.#faults }
  }
}

function columnsOf ({ line, cells, fault }: CsvRecord): Column[] {
  if (cells.length > columnsMax) throw new UnreadableSourceError([{ line, field: '', detail: `the first line names more than ${columnsMax} columns` }])
  const columns = cells.map((cell) => ({ name: cell?.trim() ?? '', field: fieldNamed(cell?.trim() ?? '') }))
  const details: string[] = []
  if (fault !== null) details.push(fault)
  if (columns.every(({ field }) => field === undefined)) {
    const separators = cells.length === 1 && /[;\t]/.test(cells[0] ?? '') ? ', separated by commas' : ''
    details.push(`the first line must name the columns, ${requiredFields.join(',')} and others${separators}`)
  } else {
    const named = new Set<ImportField>()
    for (const [i, { name, field }] of columns.entries()) {
      if (field === undefined) details.push(unknownName(name, `column ${i + 1}`))
      else if (field !== null && named.has(field)) details.push(`two columns are ${field}`)
      if (field) named.add(field)
    }
    for (const field of requiredFields) if (!named.has(field)) details.push(`there is no column ${field}`)
  }
  if (details.length > 0) throw new UnreadableSourceError(details.map((detail) => ({ line, field: '', detail })))
  return columns.map(({ name, field = null }) => ({ name, field }))
}

function rowOf ({ line, cells, fault }: CsvRecord, columns: readonly Column[]): SourceRow {
  const row = new RowBuilder(line)
  if (fault !== null) row.fault('', fault)
  else if (cells.length !== columns.length) row.fault('', `has ${cells.length} fields, and the first line ${columns.length}`)
  for (const [i, column] of columns.entries()) {
    const text = cells[i]?.trim()
    if (text === undefined || text === '') row.set(column, null)
    else if (fault === null) row.set(column, valueOf(column, text, row))
  }
  return row.build()
}

/** A text that is none of what its column takes is left as it is: the checks will say so. */
function valueOf ({ field }: Column, text: string, row: RowBuilder): unknown {
  if (field === 'scopes') return parseScopes(text)
  if (field === 'isActive') {
    const word = text.toLowerCase()
    return word === 'true' || word === 't' ? true : word === 'false' || word === 'f' ? false : text
  }
  if (field !== 'metadata') return text
  try {
    return JSON.parse(text)
  } catch {
    row.fault('metadata', 'is not valid JSON')
    return null
  }
}
