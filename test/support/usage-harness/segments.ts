import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A segment of the spool, as far as it can be told without knowing its format: a row ends with its request's id. */
export interface SegmentContent {
  readonly file: string
  readonly bytes: Buffer
  readonly rows: readonly { readonly id: string, readonly end: number }[]
}

/** Those of a data folder, the one written last first. */
export function segmentsOf (dataFolder: string): SegmentContent[] {
  const spool = join(dataFolder, 'spool')
  return readdirSync(spool, { recursive: true, encoding: 'utf8' })
    .map(name => join(spool, name))
    .filter(file => statSync(file).isFile())
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .map(file => {
      const bytes = readFileSync(file)
      return { file, bytes, rows: rowsOf(bytes) }
    })
}

function rowsOf (bytes: Buffer): SegmentContent['rows'] {
  // The path, which comes before, has the id, too.
  const ends = new Map<string, number>()
  for (const { 0: id, index } of bytes.toString('latin1').matchAll(/asked-\d+-\d+(?!\d)/g)) ends.set(id, index + id.length)
  return [...ends].map(([id, end]) => ({ id, end }))
}
