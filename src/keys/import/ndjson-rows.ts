import { objectRow } from './csv-rows.ts'
import { UnreadableSourceError } from './faults.ts'
import { rowCharsMax, type SourceRow } from './source-row.ts'

/** The rows of a file with one JSON object a line. Empty lines are none. */
export async function * ndjsonRows (text: AsyncIterable<string> | Iterable<string>): AsyncGenerator<readonly SourceRow[]> {
  let rest = ''
  let line = 0
  const rowsOf = (lines: readonly string[]): SourceRow[] => lines.flatMap((content) => {
    line++
    return content.trim() === '' ? [] : [lineRow(line === 1 ? content.replace(/^\ufeff/, '') : content, line)]
  })
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield rowsOf(lines)
    if (rest.length > rowCharsMax) throw new UnreadableSourceError([{ line: line + 1, field: '', detail: 'the line is longer than 1 MiB' }])
  }
  yield rowsOf([rest])
}

function lineRow (text: string, line: number): SourceRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Node's own message quotes what stands there.
    return { line, values: {}, ignored: [], faults: [{ line, field: '', detail: 'is not valid JSON' }] }
  }
  return objectRow(value, line)
}
