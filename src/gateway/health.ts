import { answer } from './answer.ts'
import type { Identity } from './identity.ts'
import { refuse } from './refuse.ts'

const lines = 'content-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\n'

/** `/-/live` and `/-/ready`, on the clients' own port for load balancers that can reach no other. */
export function answerHealth (identity: Identity, isReady: boolean): void {
  const { path, request: { method } } = identity
  if (path !== '/-/live' && path !== '/-/ready') return refuse(identity, { code: 'route_not_found' })
  if (method !== 'GET' && method !== 'HEAD') return refuse(identity, { code: 'method_not_allowed', headers: { allow: 'GET, HEAD' } })
  identity.isProbe = true
  if (path === '/-/live') answer(identity, 200, lines, 'live\n')
  else if (isReady) answer(identity, 200, lines, 'ready\n')
  else answer(identity, 503, `${lines}retry-after: 1\r\n`, 'not ready\n')
}
