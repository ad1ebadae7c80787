import findMyWay from 'find-my-way'
import type { RouteConfig } from '../config/config.ts'
import { looseRoutePathShape, routePathShape, withoutTrailingSlash } from '../config/route-path.ts'
import type { Match } from './match.ts'
import { Pattern } from './pattern.ts'
import { decodePath, insanity, readings } from './sane-path.ts'

type Router = ReturnType<typeof findMyWay>

/** Anything that could make a path more than its own plain text; `/.` is here for dot segments. */
const UNUSUAL = /[^a-z0-9_~!$&'()*+,=:@/.-]|\/[./]|[^/]\/$/

const NOT_FOUND: Match = Object.freeze({ kind: 'not_found' })
const NO_PATH: Match = Object.freeze({ kind: 'bad', reason: 'the request target is no path: it must start with /' })
const BAD_ENCODING: Match = Object.freeze({ kind: 'bad', reason: 'the path is not valid percent-encoded UTF-8' })
const OTHER_ROUTE: Match = Object.freeze({
  kind: 'ambiguous', reason: 'the path matches another route once decoded, lower-cased and without its trailing slash',
})

/**
 * The routes that requests for one host can reach. Two routers hold the same patterns: the strict one decides; the
 * loose one, with lower-cased patterns and without their trailing slashes, finds the paths that a less strict upstream
 * would take for another route's, and these are refused.
 */
export class HostTable {
  readonly #strict = newRouter()
  readonly #loose = newRouter()
  /** Every pattern is lower case and without trailing slash, so that both routers find the same. */
  readonly #isAllLoose: boolean

  constructor (routes: readonly RouteConfig[]) {
    const patterns = patternsOf(routes)
    const loosePaths = new Map<string, Pattern>()
    for (const pattern of patterns) {
      add(this.#strict, pattern.path, pattern)
      // With and without the slash: upstreams ignore case, or trailing slashes, or both.
      const lowerCased = routePathShape(pattern.path).toLowerCase()
      for (const path of [lowerCased, withoutTrailingSlash(lowerCased)]) {
        if (!loosePaths.has(path)) loosePaths.set(path, pattern)
      }
    }
    for (const [shape, pattern] of loosePaths) add(this.#loose, shape.replaceAll('/:', '/:_'), pattern)
    this.#isAllLoose = patterns.every(({ path }) => looseRoutePathShape(path) === routePathShape(path))
  }

  match (method: string, path: string): Match {
    if (path.charCodeAt(0) !== 47) return NO_PATH
    if (!UNUSUAL.test(path)) {
      const pattern = find(this.#strict, path)
      return this.#isAllLoose || this.#agrees(pattern, path) ? verdict(pattern, method) : OTHER_ROUTE
    }
    const reason = insanity(path)
    if (reason !== null) return { kind: 'ambiguous', reason }
    const decoded = decodePath(path)
    if (decoded === null) return BAD_ENCODING
    const pattern = find(this.#strict, path)
    return readings(decoded).every((reading) => this.#agrees(pattern, reading)) ? verdict(pattern, method) : OTHER_ROUTE
  }

  /**
   * Whether no other pattern stands where a less strict reader of the path would look. A path that matches nothing as it
   * was sent is refused for it, too: told why, its sender mends it sooner than a plain 404.
   */
  #agrees (pattern: Pattern | undefined, reading: string): boolean {
    // Upper case first: it also folds the few letters beyond ASCII that have an ASCII counterpart.
    const folded = escapeDelimiters(reading.toUpperCase().toLowerCase())
    const other = find(this.#loose, folded)
    if (other !== undefined && other !== pattern) return false
    const bare = withoutTrailingSlash(folded)
    if (bare === folded) return true
    const otherBare = find(this.#loose, bare)
    return otherBare === undefined || otherBare === pattern
  }
}

function verdict (pattern: Pattern | undefined, method: string): Match {
  return pattern === undefined ? NOT_FOUND : pattern.match(method)
}

function patternsOf (routes: readonly RouteConfig[]): Pattern[] {
  const byShape = new Map<string, RouteConfig[]>()
  for (const route of routes) {
    const shape = routePathShape(route.path)
    byShape.set(shape, [...byShape.get(shape) ?? [], route])
  }
  return [...byShape.values()].map((alike) => {
    // A host's own routes take over from those of every host, method for method and entirely.
    const own = alike.filter((route) => route.host !== null)
    const [first] = alike
    return new Pattern(first?.path ?? '/', own.length > 0 ? own : alike)
  })
}

function newRouter (): Router {
  return findMyWay({
    // Longer parameters wouldn't match, and the request would fall through to a wider route; headers bound the path.
    maxParamLength: Number.MAX_SAFE_INTEGER,
    querystringParser: () => ({}),
  })
}

function add (router: Router, path: string, pattern: Pattern): void {
  // One method stands for all: the pattern decides before the method is looked at.
  router.on('GET', path, () => {}, pattern)
}

function find (router: Router, path: string): Pattern | undefined {
  return router.find('GET', path)?.store as Pattern | undefined
}

/** What find-my-way would take for the beginning of a query or of an escape. */
function escapeDelimiters (decoded: string): string {
  return decoded.replace(/[%?#]/g, encodeURIComponent)
}
