import { forwardedPath } from '../routes/forwarded-path.ts'
import type { Forwarding } from '../upstreams/forwarding.ts'
import type { Identity } from './identity.ts'
import type { UpstreamHeaders } from './upstream-headers.ts'

/** What goes to the upstream for an admitted request; null when its body is announced to be over the route's bound. */
export function forwardingFor (identity: Identity, upstreamHeaders: UpstreamHeaders, dropsAuthorization: boolean): Forwarding | null {
  const { request } = identity
  const route = identity.route!
  const bodyBytes = Number(request.headers['content-length'] ?? 0)
  if (bodyBytes > route.bodyBytesMax) return null
  const hasBody = bodyBytes > 0 || request.headers['transfer-encoding'] !== undefined
  return {
    upstream: identity.upstream!,
    method: request.method,
    path: forwardedPath(route, identity.path) + request.url.slice(identity.path.length),
    headerLines: upstreamHeaders.linesOf(request, identity, { dropsAuthorization, hasBody }),
    host: route.preserveHost ? request.headers.host ?? null : null,
    hasBody,
    bodyBytesMax: route.bodyBytesMax,
    headMs: null,
    isEventStream: false,
    failure: null,
    abort: null,
  }
}
