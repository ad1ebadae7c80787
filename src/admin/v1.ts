import type { FastifyInstance } from 'fastify'
import type { TokenVerifier } from '../tokens/verifier.ts'
import { addCalls } from './api/calls.ts'
import { type ApiParts, createHandlers } from './api/handlers/index.ts'
import { authenticate } from './authenticate.ts'
import { sendProblem } from './problem.ts'

/** The admin API: nobody learns what is below `/v1`, not even that something isn't, without a token. */
export function addV1 (admin: FastifyInstance, tokens: Pick<TokenVerifier, 'verify'>, api: ApiParts): void {
  admin.register(async (v1) => {
    // Runs for unknown paths too, and before a body is read.
    v1.addHook('onRequest', authenticate(tokens))
    addCalls(v1, createHandlers(api))
    v1.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'route_not_found'))
  }, { prefix: '/v1' })
}
