import type { ProblemCode } from '../errors.ts'

const timeoutCodes = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])

/** Failures after which the upstream can't have begun to act on the request, or for which idempotence makes that harmless. */
const retryableCodes = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'ENETUNREACH', 'EHOSTUNREACH'])

/** The client's body outgrew the route's `bodyBytesMax` while it was streamed. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** The client closed its connection before the upstream had answered. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

/** The upstream sent interim responses (1xx) for longer than its `headersTimeout`, and no other. */
export class HeadersTimeoutError extends Error {
  override readonly name = 'HeadersTimeoutError'
  readonly code = 'UND_ERR_HEADERS_TIMEOUT'
}

/** What the client is told of a failure: time-outs are 504, all else that an upstream does is 502. */
export function failureCode (err: unknown): ProblemCode {
  if (findCause(err, cause => cause instanceof BodyTooLargeError)) return 'body_too_large'
  return timeoutCodes.has(errorCode(err)) ? 'upstream_timeout' : 'upstream_unreachable'
}

export function isRetryable (err: unknown): boolean {
  return retryableCodes.has(errorCode(err))
}

function errorCode (err: unknown): string {
  return err instanceof Error && 'code' in err ? String(err.code) : ''
}

function findCause (err: unknown, matches: (cause: Error) => boolean): boolean {
  for (let cause = err, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (matches(cause)) return true
  }
  return false
}
