import type { RouteConfig } from '../config/config.ts'

/**
 * The path that the upstream gets: the raw one, as sent, without the route's `stripPrefix`. `path` is a raw request
 * path, without query, that matched the route; the result starts with `/`.
 */
export function forwardedPath ({ stripPrefix }: Pick<RouteConfig, 'stripPrefix'>, path: string): string {
  if (stripPrefix === null) return path
  let end = stripPrefix.length
  if (!path.startsWith(stripPrefix)) end = endOfSegments(path, stripPrefix)
  return end >= path.length ? '/' : path.slice(end)
}

/** The prefix came in percent-encoded. A slash never does, so that the prefix has as many segments as ever. */
function endOfSegments (path: string, prefix: string): number {
  let end = 0
  for (let slash = prefix.indexOf('/'); slash !== -1; slash = prefix.indexOf('/', slash + 1)) {
    end = path.indexOf('/', end + 1)
    if (end === -1) return path.length
  }
  return end
}
