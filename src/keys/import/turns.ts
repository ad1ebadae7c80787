import { setImmediate } from 'node:timers/promises'
import { objectRow } from './csv-rows.ts'
import type { SourceRow } from './source-row.ts'

const pieceChars = 64 * 1024
const batchRows = 100

/** A text that is in memory as a whole, in pieces: between them others have their turn. */
export async function * textPieces (text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += pieceChars) {
    yield text.slice(at, at + pieceChars)
    await setImmediate()
  }
}

/** The rows given as objects: of the API, whose lines are indices. Between some of them others have their turn. */
export async function * objectRows (objects: readonly unknown[]): AsyncGenerator<readonly SourceRow[]> {
  for (let at = 0; at < objects.length; at += batchRows) {
    yield objects.slice(at, at + batchRows).map((value, i) => objectRow(value, at + i))
    await setImmediate()
  }
}
