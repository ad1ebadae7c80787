import type { RouteConfig } from '../config/config.ts'

/**
 * What the route table makes of a request. `ambiguous` (the path can be read in more than one way) and `bad` (it is no
 * path, or its percent-encoding is broken) are refused before anything else; `allow` is an Allow header's text.
 */
export type Match =
  | { readonly kind: 'route', readonly route: RouteConfig }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'method_not_allowed', readonly allow: string }
  | { readonly kind: 'ambiguous', readonly reason: string }
  | { readonly kind: 'bad', readonly reason: string }
