import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { addCalls } from './api/calls.ts'
import { type ApiParts, createHandlers } from './api/handlers/index.ts'
import type { Caller } from './caller.ts'
import { sendProblem } from './problem.ts'

/** The admin API: nobody learns what is below `/v1`, not even that something isn't, without the token. */
export function addV1 (admin: FastifyInstance, adminToken: string | null, api: ApiParts): void {
  const tokenDigest = adminToken === null ? null : digest(adminToken)
  admin.register(async (v1) => {
    v1.decorateRequest('caller', null as unknown as Caller)
    // Runs for unknown paths too, and before a body is read.
    v1.addHook('onRequest', async (request, reply) => {
      if (tokenDigest === null) return sendProblem(request, reply, 'admin_disabled')
      if (!isBearer(request.headers.authorization, tokenDigest)) {
        return sendProblem(request, reply.header('www-authenticate', 'Bearer realm="latchkey"'), 'unauthorized')
      }
      request.caller = { name: 'LATCHKEY_ADMIN_TOKEN', rights: 'write', address: request.ip }
    })
    addCalls(v1, createHandlers(api))
    v1.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'route_not_found'))
  }, { prefix: '/v1' })
}

function isBearer (authorization: string | undefined, tokenDigest: Buffer): boolean {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && timingSafeEqual(digest(token), tokenDigest)
}

/** Equal lengths for timingSafeEqual, and times that say nothing about the token. */
function digest (token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
