import type { FastifyReply, FastifyRequest } from 'fastify'
import { ownHeaders } from './own-headers.ts'
import { refuse } from './refuse.ts'

/** `/-/live` and `/-/ready`, on the clients' own port for load balancers that can reach no other. */
export function answerHealth (request: FastifyRequest, reply: FastifyReply, isReady: boolean): void {
  const { path } = request.identity
  if (path !== '/-/live' && path !== '/-/ready') return refuse(request, reply, { code: 'route_not_found' })
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(request, reply, { code: 'method_not_allowed', headers: { allow: 'GET, HEAD' } })
  }
  request.identity.isProbe = true
  reply.headers(ownHeaders(request.identity)).header('content-type', 'text/plain; charset=utf-8').header('cache-control', 'no-store')
  if (path === '/-/live') reply.send('live\n')
  else if (isReady) reply.send('ready\n')
  else reply.code(503).header('retry-after', '1').send('not ready\n')
}
