import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problem.ts'

/** The admin API: nobody learns what is below `/v1`, not even that something isn't, without the token. */
export function addV1 (admin: FastifyInstance, adminToken: string | null): void {
  const tokenDigest = adminToken === null ? null : digest(adminToken)
  admin.register(async (v1) => {
    // Runs for unknown paths too, and before a body is read.
    v1.addHook('onRequest', async (request, reply) => {
      if (tokenDigest === null) return sendProblem(request, reply, 'admin_disabled')
      if (!isBearer(request.headers.authorization, tokenDigest)) {
        return sendProblem(request, reply.header('www-authenticate', 'Bearer realm="latchkey"'), 'unauthorized')
      }
    })
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
