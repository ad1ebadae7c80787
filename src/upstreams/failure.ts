import type { ProblemCode } from '../errors.ts'

type TimeoutCode = 'LATCHKEY_CONNECT_TIMEOUT' | 'LATCHKEY_HEADERS_TIMEOUT' | 'LATCHKEY_BODY_TIMEOUT'

const timeoutCodes = new Set([
  'LATCHKEY_CONNECT_TIMEOUT', 'LATCHKEY_HEADERS_TIMEOUT', 'LATCHKEY_BODY_TIMEOUT', 'ETIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT',
])

/** Failures after which the upstream can't have begun to act on the request, or for which idempotence makes that harmless. */
const retryableCodes = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENETUNREACH', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN',
  'LATCHKEY_CONNECTION_LOST', 'LATCHKEY_CONNECT_TIMEOUT', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT',
])

/** TLS that didn't come about: OpenSSL's verdicts on certificates, and its own errors. */
const tlsFailure = /CERT|^UNABLE_TO_|^ERR_SSL_|^EPROTO$/

/** The client's body outgrew the route's `bodyBytesMax` while it was streamed. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** The client closed its connection before the upstream had answered. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

/** The client took nothing of its response for longer than `sendTimeout`. */
export class SendTimeoutError extends Error {
  override readonly name = 'SendTimeoutError'
}

/** The client's body stopped arriving, or arrived too slowly. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError'
}

/** The client's body is no valid chunked one, or its connection ended before it did. */
export class BrokenBodyError extends Error {
  override readonly name = 'BrokenBodyError'
}

/** What the upstream sent is no answer that may be passed on (RFC 9110, RFC 9112). */
export class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError'
}

/** The upstream closed its connection before its answer had begun, or ended. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
  readonly code = 'LATCHKEY_CONNECTION_LOST'
}

/** The upstream took too long: to accept a connection, to begin its answer, or to go on with it. */
export class UpstreamTimeoutError extends Error {
  override readonly name = 'UpstreamTimeoutError'
  readonly code: TimeoutCode

  constructor (message: string, code: TimeoutCode) {
    super(message)
    this.code = code
  }
}

/** Every target of the upstream has as many requests under way as it may have. */
export class UpstreamBusyError extends Error {
  override readonly name = 'UpstreamBusyError'
}

/** What the client is told of a failure: time-outs are 504, all else that an upstream does is 502. */
export function failureCode (err: unknown): ProblemCode {
  if (findCause(err, cause => cause instanceof BodyTooLargeError)) return 'body_too_large'
  if (err instanceof BrokenBodyError) return 'bad_request'
  if (err instanceof RequestTimeoutError) return 'request_timeout'
  if (err instanceof UpstreamBusyError) return 'overloaded'
  return timeoutCodes.has(errorCode(err)) ? 'upstream_timeout' : 'upstream_unreachable'
}

/** The client's own doing: there is nobody left to be told. */
export function isClientsLoss (err: unknown): boolean {
  return err instanceof ClientGoneError || err instanceof SendTimeoutError
}

export function isRetryable (err: unknown): boolean {
  const code = errorCode(err)
  return retryableCodes.has(code) || tlsFailure.test(code)
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
