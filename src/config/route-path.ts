const STATIC_SEGMENT = /^[A-Za-z0-9._~!$&'()+,=@-]+$/
const PARAM_SEGMENT = /^:[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Why a route's path can't be used, as a clause to follow the path, or null. The syntax is find-my-way's without what
 * makes rules hard to read: no regular expressions, no `:param` beside other text in a segment, `*` at the end alone.
 */
export function routePathFault (path: string): string | null {
  if (!path.startsWith('/')) return 'must start with /'
  if (/[^\x21-\x7e]/.test(path)) return 'may hold printable ASCII characters only, and no spaces'
  if (path.includes('//')) return 'must not hold //'
  if (path.includes('%')) return 'must not be percent-encoded: write the characters themselves'
  const star = path.indexOf('*')
  if (star !== -1 && star !== path.length - 1) return 'may have * at its end only'
  const segments = (star === -1 ? path : path.slice(0, -1)).slice(1).split('/')
  for (const segment of segments) {
    if (segment === '.' || segment === '..') return `must not hold the segment ${segment}`
    // Only a path's end can leave an empty segment: `/`, `/a/`, `/a/*`.
    if (segment === '' || STATIC_SEGMENT.test(segment)) continue
    if (!segment.includes(':')) return `must not hold ${forbiddenIn(segment)}`
    if (!PARAM_SEGMENT.test(segment)) return `has the segment ${segment}: a parameter is a segment of its own, such as :id`
  }
  if (star !== -1 && segments.at(-1)?.startsWith(':')) return 'must not have * right behind a parameter'
  return null
}

/** Two paths with the same shape match the same requests: the parameters' names don't matter. */
export function routePathShape (path: string): string {
  return path.replace(/\/:[^/]*/g, '/:')
}

/** What of two paths is alike to an upstream that ignores case and trailing slashes. */
export function looseRoutePathShape (path: string): string {
  return withoutTrailingSlash(routePathShape(path).toLowerCase())
}

/** `/` stays. */
export function withoutTrailingSlash (path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function forbiddenIn (segment: string): string {
  return [...segment].find((char) => !STATIC_SEGMENT.test(char)) ?? segment
}
