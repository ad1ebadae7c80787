import pg from 'pg'

const tooLong = '22001'

/** Of an error for which `isRowRefused` holds: what refuses the row. Postgres' own message and detail may quote values. */
export function refusedRow (err: unknown): string {
  const { code, constraint, column } = err instanceof pg.DatabaseError ? err : {}
  if (code === tooLong) return 'a value is longer than its column in this database'
  const what = constraint !== undefined ? `, constraint ${constraint}` : column !== undefined ? `, column ${column}` : ''
  return `the database refuses it (SQLSTATE ${code}${what})`
}
