import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ProblemCode, problemBody, problems } from '../errors.ts'

/** A body this small is read and thrown away to keep the connection; over a larger one, the connection is closed. */
const discardedBodyBytesMax = 65_536

export interface Refusal {
  readonly code: ProblemCode
  readonly detail?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Members that the code adds to the problem, such as `requiredScopes`. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** Answers with a problem (RFC 9457). Every refusal of the gateway passes here. */
export function refuse (request: FastifyRequest, reply: FastifyReply, { code, detail, headers, members }: Refusal): void {
  const { identity } = request
  identity.refusal = code
  if (headers !== undefined) reply.headers(headers)
  if (code === 'key_store_unavailable' || code === 'overloaded') reply.header('retry-after', '1')
  if (mustClose(request, code)) reply.header('connection', 'close')
  reply
    .code(problems[code].status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(problemBody(code, identity.requestId, detail === undefined ? members : { detail, ...members }))
}

function mustClose ({ raw }: FastifyRequest, code: ProblemCode): boolean {
  if (code === 'bad_request' || code === 'body_too_large') return true
  if (raw.headers['transfer-encoding'] !== undefined) return true
  return Number(raw.headers['content-length'] ?? 0) > discardedBodyBytesMax
}
