import { hash } from 'node:crypto'
import { sqlState } from './sqlstate.ts'

/** A statement that a connection may keep, read and planned, under its name. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
}

/** The connection doesn't have the statement, has another's of that name, or one that no longer fits its tables. */
const forgottenStates: ReadonlySet<string> = new Set(['26000', '42P05', '0A000'])

/**
 * The name says what the text is, so that whoever else gave the same name to a statement meant the same. Columns of the
 * result should have types that don't depend on a table's.
 */
export function prepared (text: string): PreparedStatement {
  return { name: `latchkey_${hash('sha256', text).slice(0, 24)}`, text }
}

/** True for errors that the same statement without a name wouldn't meet. */
export function isOfPreparing (err: unknown): boolean {
  return forgottenStates.has(sqlState(err) ?? '')
}
