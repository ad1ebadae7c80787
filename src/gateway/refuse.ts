import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeysConfig, ScopeRule } from '../config/config.ts'
import { type ProblemCode, problemBody, problems } from '../errors.ts'
import type { KeyStatus } from '../keys/verifier.ts'
import type { FailureBudget } from '../limits/failure-budget.ts'
import { ownHeaders } from './own-headers.ts'

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
export function refuse (request: FastifyRequest, reply: FastifyReply, { code, detail, headers, members }: Refusal): void {
  const { identity } = request
  identity.refusal = code
  if (identity.forwarding?.headMs != null) dropUpstreamsHeaders(reply)
  if (headers !== undefined) reply.headers(headers)
  if (problems[code].status === 401) reply.header('www-authenticate', code === 'missing_key' ? 'Bearer realm="latchkey"' : 'Bearer realm="latchkey", error="invalid_token"')
  if (code === 'key_store_unavailable' || code === 'overloaded') reply.header('retry-after', '1')
  if (mustClose(request, code)) identity.endsConnection = true
  reply
    .headers(ownHeaders(identity))
    .code(problems[code].status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    // Bytes, not text: Fastify adds a charset to text, which this media type doesn't have.
    .send(Buffer.from(problemBody(code, identity.requestId, detail === undefined ? members : { detail, ...members })))
}

/** The upstream failed after its head had been taken over, none of which fits the answer that is now given. */
function dropUpstreamsHeaders (reply: FastifyReply): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
}

function mustClose ({ raw }: FastifyRequest, code: ProblemCode): boolean {
  if (code === 'bad_request' || code === 'body_too_large' || code === 'headers_too_large' || code === 'expectation_failed' || code === 'request_timeout') return true
  if (raw.headers['transfer-encoding'] !== undefined) return true
  return Number(raw.headers['content-length'] ?? 0) > discardedBodyBytesMax
}
