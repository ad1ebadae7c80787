/**
 * Every problem that a client can get, in one table. The codes are part of the public contract: clients branch on
 * them, so a code is never renamed. `detail` is the public message; causes go to the log, never to the client.
 */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
}

export const problems = {
  bad_request: { status: 400, title: 'Bad request', detail: 'The request is malformed.' },
  ambiguous_path: { status: 400, title: 'Ambiguous path', detail: 'The path can be read in more than one way. Send it in its plain, normalised form.' },
  ambiguous_key: { status: 400, title: 'Ambiguous key', detail: 'The request carries more than one API key. Send exactly one.' },
  missing_key: { status: 401, title: 'Missing API key', detail: 'Send your API key in the x-api-key header, or as Authorization: Bearer.' },
  invalid_key: { status: 401, title: 'Invalid API key', detail: 'The API key is not valid here.' },
  key_disabled: { status: 401, title: 'API key disabled', detail: 'This API key is disabled. Its owner can enable it again.' },
  key_revoked: { status: 401, title: 'API key revoked', detail: 'This API key was revoked. Use another one.' },
  key_expired: { status: 401, title: 'API key expired', detail: 'This API key has expired. Use another one.' },
  insufficient_scope: { status: 403, title: 'Insufficient scope', detail: 'The API key does not hold the scopes that this route requires.' },
  admin_disabled: { status: 403, title: 'Admin API disabled', detail: 'Set LATCHKEY_ADMIN_TOKEN, or make a token by `latchkey tokens create`, to use the admin API.' },
  read_only_token: { status: 403, title: 'Read-only token', detail: 'This token may read, but not change anything. This call needs one with the right to write.' },
  unauthorized: { status: 401, title: 'Unauthorized', detail: 'Send a token of the admin API as Authorization: Bearer.' },
  route_not_found: { status: 404, title: 'Route not found', detail: 'No route matches this path.' },
  key_not_found: { status: 404, title: 'Key not found', detail: 'No key has this id.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', detail: 'This path does not accept this method. The Allow header lists those that it does.' },
  key_is_revoked: { status: 409, title: 'Key is revoked', detail: 'The key was revoked, which is for good. Make a new one.' },
  key_has_expired: { status: 409, title: 'Key has expired', detail: 'The key has expired, and a new secret would have as well. Give it a later expiry first.' },
  usage_not_recorded: { status: 409, title: 'Usage not recorded', detail: 'The configuration has usage.store none: there is nothing to tell.' },
  precondition_failed: { status: 412, title: 'Precondition failed', detail: 'The key has been changed since you read it. Read it again, then decide.' },
  body_too_large: { status: 413, title: 'Body too large', detail: 'The request body is larger than this route accepts.' },
  expectation_failed: { status: 417, title: 'Expectation failed', detail: 'The only expectation that is understood here is 100-continue.' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', detail: 'This call does not take a body of that type. Send application/json.' },
  idempotency_key_reused: { status: 422, title: 'Idempotency-Key reused', detail: 'This Idempotency-Key came before with another request. Use a new one for each.' },
  rows_refused: { status: 422, title: 'Rows refused', detail: 'Rows have faults, so that none was imported. Mend them, or set skipFaulty.' },
  headers_too_large: { status: 431, title: 'Headers too large', detail: 'The request headers are larger than the gateway accepts.' },
  request_timeout: { status: 408, title: 'Request timeout', detail: 'The request did not arrive in time.' },
  too_many_failures: { status: 429, title: 'Too many failures', detail: 'Too many invalid API keys came from this address. Wait, then send a valid key.' },
  internal_error: { status: 500, title: 'Internal error', detail: 'The gateway failed. The request id finds the cause in its log.' },
  upstream_unreachable: { status: 502, title: 'Upstream unreachable', detail: 'The service behind the gateway could not be reached, or broke off.' },
  report_timeout: { status: 504, title: 'Report timeout', detail: 'The report took too long. Ask for a shorter period.' },
  upstream_timeout: { status: 504, title: 'Upstream timeout', detail: 'The service behind the gateway did not answer in time.' },
  key_store_unavailable: { status: 503, title: 'Key store unavailable', detail: 'The API key cannot be checked right now. Try again shortly.' },
  overloaded: { status: 503, title: 'Overloaded', detail: 'The gateway is too busy for this request right now. Try again shortly.' },
} as const satisfies Record<string, Problem>

export type ProblemCode = keyof typeof problems

/** A fault that a person can mend: a bad command line, file or environment. Commands print its message and exit with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The body of an `application/problem+json` answer (RFC 9457). */
export function problemBody (code: ProblemCode, requestId: string, more?: Record<string, unknown>): string {
  const { status, title, detail } = problems[code]
  return JSON.stringify({ type: `urn:latchkey:problem:${code}`, title, status, detail, code, requestId, ...more })
}
