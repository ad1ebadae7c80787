import type { KeysConfig, ScopeRule } from '../config/config.ts'
import { type ProblemCode, problemBody, problems } from '../errors.ts'
import type { KeyStatus } from '../keys/verifier.ts'
import type { FailureBudget } from '../limits/failure-budget.ts'
import { headerLine } from '../upstreams/header-lines.ts'
import { answer } from './answer.ts'
import type { Identity } from './identity.ts'

/** A body this small is read and thrown away to keep the connection; over a larger one, the connection is closed. */
const discardedBodyBytesMax = 65_536

export interface Refusal {
  readonly code: ProblemCode
  readonly detail?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Members that the code adds to the problem, such as `requiredScopes`. */
  readonly members?: Readonly<Record<string, unknown>>
}

const keyRefusals: Record<Exclude<KeyStatus, 'valid'>, ProblemCode> = {
  malformed: 'invalid_key',
  unknown: 'invalid_key',
  disabled: 'key_disabled',
  revoked: 'key_revoked',
  expired: 'key_expired',
  unavailable: 'key_store_unavailable',
  busy: 'overloaded',
  throttled: 'too_many_failures',
}

/** What a client is told of its key's status. An outage is never a 401. */
export function keyRefusal (status: Exclude<KeyStatus, 'valid'>): Refusal {
  return { code: keyRefusals[status] }
}

export function missingKey ({ header }: KeysConfig): Refusal {
  return { code: 'missing_key', detail: `Send your API key in the ${header} header, or as Authorization: Bearer.` }
}

/**
 * A network has spent its failure budget. The fields are those of draft-ietf-httpapi-ratelimit-headers: the policy's
 * quota and window, and what is left of it now.
 */
export function tooManyFailures (budget: FailureBudget, network: string): Refusal {
  const seconds = String(Math.max(1, Math.ceil(budget.retryAfterMs(network) / 1000)))
  return {
    code: 'too_many_failures',
    headers: {
      'retry-after': seconds,
      'ratelimit-policy': `"failures";q=${budget.failures};w=${Math.ceil(budget.perMs / 1000)}`,
      ratelimit: `"failures";r=${budget.remaining(network)};t=${seconds}`,
    },
  }
}

/** `requiredScopes` lists all that the route names; `requiredAnyOf` those of them of which one is enough. */
export function insufficientScope ({ allOf, anyOf }: ScopeRule): Refusal {
  const requiredScopes = [...allOf, ...anyOf]
  return {
    code: 'insufficient_scope',
    members: anyOf.length === 0 ? { requiredScopes } : { requiredScopes, requiredAnyOf: anyOf },
    headers: { 'www-authenticate': `Bearer realm="latchkey", error="insufficient_scope", scope="${requiredScopes.join(' ')}"` },
  }
}

/** Answers with a problem (RFC 9457). Every refusal of the gateway passes here. */
export function refuse (identity: Identity, { code, detail, headers, members }: Refusal): void {
  identity.refusal = code
  let lines = 'content-type: application/problem+json\r\ncache-control: no-store\r\n'
  for (const name in headers) lines += headerLine(name, headers[name]!)
  if (problems[code].status === 401) lines += code === 'missing_key' ? 'www-authenticate: Bearer realm="latchkey"\r\n' : 'www-authenticate: Bearer realm="latchkey", error="invalid_token"\r\n'
  if (code === 'key_store_unavailable' || code === 'overloaded') lines += 'retry-after: 1\r\n'
  if (mustClose(identity, code)) identity.response.endsConnection = true
  answer(identity, problems[code].status, lines, problemBody(code, identity.requestId, detail === undefined ? members : { detail, ...members }))
}

function mustClose ({ request }: Identity, code: ProblemCode): boolean {
  if (code === 'bad_request' || code === 'body_too_large' || code === 'headers_too_large' || code === 'expectation_failed' || code === 'request_timeout') return true
  if (request.headers['transfer-encoding'] !== undefined) return true
  return Number(request.headers['content-length'] ?? 0) > discardedBodyBytesMax
}
