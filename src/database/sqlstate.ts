import pg from 'pg'
import { UsageError } from '../errors.ts'

/**
 * Classes (two characters) and single SQLSTATEs after which the same statement may well succeed later, or on another
 * connection: the database is away, restarting, full, or serves only reads for now.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const unavailableStates = new Set([
  '08', // connection exception
  '25006', // read-only transaction: a standby, before or after a failover
  '28', // invalid authorization: a password being rotated, a role not there yet
  '3D000', // the database does not exist (yet)
  '40', // serialization failure, deadlock
  '53', // insufficient resources: connections, memory, disk
  '55P03', // a lock was not available in time
  '57', // operator intervention: shutdown, starting up, query cancelled by a time-out
  '58', // system error: I/O
  'F0', // configuration file error
  'XX', // internal error; poolers report with it that they reach no server
])

/** A value or a row that this database will never take: data exception, integrity constraint violation. */
const refusedClasses = new Set(['22', '23'])

/** Codes of Node's sockets and resolver. */
const networkCodes = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN',
  'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENOENT', 'EACCES', 'EMFILE', 'ENFILE', 'ERR_STREAM_DESTROYED',
])

/** pg reports these without any code. */
const connectionMessages = [
  /^Connection terminated/, // unexpectedly; due to connection timeout
  /^Query read timeout$/,
  /^timeout e(xpired|xceeded when trying to connect)$/,
  /^Client (has encountered a connection error|was closed) and is not queryable$/,
  /^The connection was given up$/, // our own pool's
  /^Cannot use a pool after calling end on the pool$/,
  /^The server does not support SSL connections$/,
  /^There was an error establishing an SSL connection$/,
]

/** Of `connectionMessages`, and of the states and codes: those after which a new connection may work right away. */
const lostMessages = [/^Connection terminated unexpectedly$/, /^Client has encountered a connection error and is not queryable$/, /^The connection was given up$/]
const lostStates = new Set(['57P01', '57P02', '57P05']) // ended by an administrator, by a crash, for idleness
const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_DESTROYED'])

/** True when the database could not be asked, or can't answer now: not the statement's fault, worth trying again. */
export function isStoreUnavailable (err: unknown): boolean {
  const state = sqlState(err)
  if (state !== null) return unavailableStates.has(state) || unavailableStates.has(state.slice(0, 2))
  if (!(err instanceof Error)) return false
  // Several addresses of one host, each refused: Node gives an AggregateError.
  if (err instanceof AggregateError && err.errors.some(isStoreUnavailable)) return true
  const code = 'code' in err && typeof err.code === 'string' ? err.code : ''
  if (networkCodes.has(code) || isTlsCode(code) || connectionMessages.some((message) => message.test(err.message))) return true
  // An error that only adds words to another. A UsageError is a person's to mend, whatever it came from.
  return err.cause !== undefined && !(err instanceof UsageError) && isStoreUnavailable(err.cause)
}

/** True when a write met a standby, or a primary that was told to serve only reads. */
export function isReadOnly (err: unknown): boolean {
  return sqlState(err) === '25006'
}

/** True when the connection was lost on the way: another one may well work at once. Time-outs don't count. */
export function isConnectionLost (err: unknown): boolean {
  const state = sqlState(err)
  if (state !== null) return lostStates.has(state)
  if (!(err instanceof Error)) return false
  const code = 'code' in err && typeof err.code === 'string' ? err.code : ''
  return lostCodes.has(code) || lostMessages.some((message) => message.test(err.message))
}

/** True when Postgres refused the data itself (SQLSTATE classes 22 and 23): trying the same rows again is no use. */
export function isRowRefused (err: unknown): boolean {
  const state = sqlState(err)
  return state !== null && refusedClasses.has(state.slice(0, 2))
}

/** The five characters of Postgres' own error code; null when the error didn't come from Postgres. */
export function sqlState (err: unknown): string | null {
  // Not any `code` of five characters: EPIPE is one, too.
  return err instanceof pg.DatabaseError && err.code !== undefined ? err.code : null
}

function isTlsCode (code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/.test(code)
}
