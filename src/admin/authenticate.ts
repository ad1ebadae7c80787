import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { networkOf, parsePeer } from '../config/address.ts'
import type { TokenVerifier } from '../tokens/verifier.ts'
import { sendProblem } from './problem.ts'

/** An onRequest hook: no request gets past it without a valid token, whose bearer it has from then on as its `caller`. */
export function authenticate (tokens: Pick<TokenVerifier, 'verify'>): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const address = parsePeer(request.socket.remoteAddress)
    const verdict = await tokens.verify(bearerOf(request), address === null ? '' : networkOf(address))
    switch (verdict.status) {
      case 'valid':
        request.caller = { ...verdict.token, address: String(address ?? '') }
        return
      case 'disabled': return sendProblem(request, reply, 'admin_disabled')
      case 'unauthorized': return sendProblem(request, reply.header('www-authenticate', 'Bearer realm="latchkey"'), 'unauthorized',
        bearerOf(request) === '' ? undefined : 'This token is not known here, or was revoked, or has expired.')
      case 'throttled': return sendProblem(request, retryAfter(reply, verdict.retryAfterMs), 'too_many_failures',
        'Too many invalid tokens came from this address. Wait, then send a valid one.')
      case 'unavailable': return sendProblem(request, retryAfter(reply, 1_000), 'key_store_unavailable',
        'The token cannot be checked right now. Try again shortly.')
    }
  }
}

/** Empty where there is none. */
export function bearerOf ({ headers }: FastifyRequest): string {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
}

function retryAfter (reply: FastifyReply, ms: number): FastifyReply {
  return reply.header('retry-after', Math.max(1, Math.ceil(ms / 1_000)))
}
