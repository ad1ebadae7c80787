import { refusedRow } from '../../database/refused-row.ts'
import { isRowRefused, isStoreUnavailable, sqlState } from '../../database/sqlstate.ts'
import { RowsHiddenError } from '../../database/hidden-rows.ts'
import { type ProblemCode, UsageError } from '../../errors.ts'
import { BcryptBusyError } from '../../keys/bcrypt.ts'
import { redactKeys } from '../../keys/format.ts'
import { type KeyFault, KeyManagerError } from '../../keys/manager.ts'
import { ReportTimeoutError } from '../../usage/reports/traffic.ts'

/** What is wrong with one field of a request: `scopes.0`; empty: with the whole. */
export interface FieldFault {
  readonly field: string
  readonly detail: string
}

/** A call that is answered with a problem. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ProblemCode
  readonly detail: string | undefined
  /** Members of the problem beside its own. */
  readonly members: Readonly<Record<string, unknown>>
  /** For the log alone. */
  readonly isOurs: boolean

  constructor (code: ProblemCode, { detail, members = {}, isOurs = false, cause }: { detail?: string | undefined, members?: Readonly<Record<string, unknown>>, isOurs?: boolean, cause?: unknown } = {}) {
    super(detail ?? code, { cause })
    this.code = code
    this.detail = detail
    this.members = members
    this.isOurs = isOurs
  }
}

export function faultyRequest (faults: readonly FieldFault[]): ApiError {
  // Somebody may have pasted a key where something else belongs.
  const errors = faults.map(({ field, detail }) => ({ field: redactKeys(field), detail: redactKeys(detail) }))
  const [first] = errors
  const detail = errors.length === 1 && first !== undefined ? sentence(first) : `The request has ${errors.length} faults.`
  return new ApiError('bad_request', { detail, members: { errors } })
}

const insufficientPrivilege = '42501'
const codes = { not_found: 'key_not_found', revoked: 'key_is_revoked', expired: 'key_has_expired', changed: 'precondition_failed' } as const satisfies Record<Exclude<KeyFault, 'invalid'>, ProblemCode>

/** What a client is told of whatever a call has thrown; null: a fault of ours. */
export function apiErrorOf (err: unknown): ApiError | null {
  if (err instanceof ApiError) return err
  if (err instanceof KeyManagerError) {
    return err.fault === 'invalid' ? faultyRequest([{ field: err.field ?? '', detail: withoutField(err.message, err.field) }]) : new ApiError(codes[err.fault], { detail: `${err.message}.` })
  }
  if (err instanceof RowsHiddenError) return new ApiError('key_store_unavailable', { isOurs: true, cause: err, detail: 'The database hides rows from the gateway. Its log says what to do.' })
  // A UsageError, too.
  if (err instanceof ReportTimeoutError) return new ApiError('report_timeout')
  if (err instanceof UsageError) return faultyRequest([{ field: '', detail: err.message }])
  if (err instanceof BcryptBusyError) return new ApiError('overloaded')
  if (sqlState(err) === insufficientPrivilege) return new ApiError('internal_error', { isOurs: true, cause: err, detail: "The gateway's database role may not do this. `latchkey doctor` names the rights that it lacks." })
  // By a constraint of the owner's: what the schemas let through is ours to store otherwise.
  if (isRowRefused(err)) return faultyRequest([{ field: '', detail: refusedRow(err) }])
  if (isStoreUnavailable(err)) return new ApiError('key_store_unavailable', { isOurs: true, cause: err, detail: 'The database can\'t be asked right now. Try again shortly.' })
  return null
}

function sentence ({ field, detail }: FieldFault): string {
  return `${field === '' ? '' : `${field} `}${detail}${/[.?!]$/.test(detail) ? '' : '.'}`
}

/** It stands beside. */
function withoutField (message: string, field: string | null): string {
  return field !== null && message.startsWith(`${field} `) ? message.slice(field.length + 1) : message
}
