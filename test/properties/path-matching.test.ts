import fc from 'fast-check'
import t from 'tap'
import type { RouteConfig } from '../../src/config/config.ts'
import { looseRoutePathShape, routePathFault, routePathShape } from '../../src/config/route-path.ts'
import { forwardedPath } from '../../src/routes/forwarded-path.ts'
import { RouteTable } from '../../src/routes/route-table.ts'
import { decodePath, insanity } from '../../src/routes/sane-path.ts'
import { routeConfig } from '../routes/route-config.ts'
import { modelMatch } from './models/routes.ts'
import { holds } from './property.ts'

const hosts = [null, null, null, 'api.example.com', 'b', '[::1]', '127.0.0.1']
const methods = ['GET', 'HEAD', 'POST', 'DELETE']
const segments = ['a', 'ab', 'abc', 'A', 'Ab', 'b', '@a', 'a+b', ':x', ':yy', 'a.b', '.a', 'a=b', 'secret', 'k', 's']
const odd = ['AB', 'B', '.', '..', '...', '', 'a;b', 'x'.repeat(150), 'a b', '%41', '%', '%zz', 'Ä', 'ſ', 'K', '\u0131', '\0', '\\', '#', '?', 'a?b', '%c3', '%C3%A9', '*', ':x', '%2a', '\t', '\x7f', '\xe9']

const routePaths = fc.tuple(fc.array(fc.constantFrom(...segments), { maxLength: 3 }), fc.constantFrom('', '', '', '/', '/*', '/*', '*'))
  .map(([parts, end]) => `/${parts.join('/')}${end}`.replace(/^\/\//, '/'))
  .filter(path => routePathFault(path) === null)

/** Sets of routes as the configuration's checks leave them. */
const tables = fc.array(fc.record({
  path: routePaths,
  host: fc.constantFrom(...hosts),
  methods: fc.option(fc.uniqueArray(fc.constantFrom(...methods), { minLength: 1, maxLength: 2 })),
}), { minLength: 1, maxLength: 9 }).map(drafts => {
  const kept: RouteConfig[] = []
  for (const draft of drafts) {
    const hasClash = kept.some(route => clashes(route, draft))
    if (!hasClash) kept.push(routeConfig({ id: `r${kept.length}`, ...draft }))
  }
  return kept
})

function clashes (one: Pick<RouteConfig, 'path' | 'host' | 'methods'>, other: Pick<RouteConfig, 'path' | 'host' | 'methods'>): boolean {
  if (looseRoutePathShape(one.path) !== looseRoutePathShape(other.path)) return false
  if (routePathShape(one.path) !== routePathShape(other.path)) return one.host === null || other.host === null || one.host === other.host
  if (one.host !== other.host) return false
  return one.methods === null || other.methods === null || one.methods.some(method => other.methods!.includes(method))
}

interface Request { readonly method: string, readonly host: string | undefined, readonly path: string }

const requestedHosts = fc.constantFrom(undefined, '', 'b', 'B', 'b.', 'b..', 'b:80', 'B.:443', 'api.example.com', 'API.Example.com:8080', 'x.api.example.com', 'api.example.com.b', '[::1]', '[::1]:8080', '[::1', '127.0.0.1', '127.0.0.1:1', 'other', 'b:', ':b', 'b@c')

/** Near misses of the routes: their own text with parts exchanged, cased, slashed or percent-encoded, up to three times. */
function requestsFor (routes: readonly RouteConfig[]): fc.Arbitrary<Request[]> {
  const filled = fc.constantFrom(...routes.map(({ path }) => path)).chain(path => fc.array(fc.constantFrom(...segments, ...odd), { minLength: 4, maxLength: 4 })
    .map(fillings => path.replace(/:[a-z]+|\*/g, () => fillings.pop() ?? '')))
  const path = fc.tuple(filled, fc.array(fc.tuple(fc.nat(), fc.nat(6), fc.constantFrom(...segments, ...odd)), { maxLength: 3 })).map(([text, changes]) => {
    for (const [at, kind, part] of changes) text = changed(text, at % (text.length + 1), kind, part)
    return text
  })
  return fc.array(fc.record({ method: fc.constantFrom(...methods, 'OPTIONS', 'TRACE', 'CONNECT', 'get'), host: requestedHosts, path }), { minLength: decisionsPerTable, maxLength: decisionsPerTable })
}

function changed (path: string, at: number, kind: number, part: string): string {
  const char = path.charAt(at)
  const with_ = (text: string) => path.slice(0, at) + text + path.slice(at + 1)
  const escape = `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  switch (kind) {
    case 0: return `${path}/${part}`
    case 1: return path.slice(0, at) + part + path.slice(at)
    case 2: return char > '\x7e' || char === '' ? path : with_(escape)
    case 3: return char > '\x7e' || char === '' ? path : with_(escape.replace('%', '%25').toUpperCase())
    case 4: return char > '\x7e' || char === '' ? path : with_(escape.replace('%', '%2525'))
    case 5: return with_(char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())
    default: return `${path}/`
  }
}

const decisionsPerTable = 12
const cases = tables.chain(routes => fc.tuple(fc.constant(routes), requestsFor(routes)))

holds(t, 'a request gets the route, or the refusal, that trying every route gives', 1_500, fc.property(cases, ([routes, requests]) => {
  const table = new RouteTable(routes)
  for (const { method, host, path } of requests) {
    const match = table.match(method, host, path)
    const expected = modelMatch(routes, method, host, path)
    const verdict = match.kind === 'route' ? `route ${match.route.id}` : match.kind === 'method_not_allowed' ? `allow ${match.allow}` : match.kind === 'not_found' ? match.kind : 'refused'
    if (verdict !== expected) throw new Error(`${method} ${host} ${JSON.stringify(path)}: ${verdict} instead of ${expected}`)
  }
}), decisionsPerTable)

const pathTexts = fc.array(fc.constantFrom('/', '/', 'a', '.', '..', '%2e', '%2E', '%2f', '%5c', '%252f', '%25', '%', '2f', '00', '%00', '%0a', '%7f', '%80', '%c3%a9', '%C3', ';', '\\', '#', '?', ' ', '\t', '\0', '\x7f', '\x80', 'é', '%3b', '%3f', '%23', '%2541', '%41'), { maxLength: 9 }).map(parts => `/${parts.join('')}`)

holds(t, 'no path that is let through hides a delimiter or a dot segment, however often it is decoded', 15_000, fc.property(pathTexts, path => {
  // What isn't UTF-8 is refused as such.
  if (insanity(path) !== null || decodePath(path) === null) return
  let reading = path
  for (let round = 0; round < 4; round++) {
    // An encoded space is one; as it is, it would end the target.
    const isPlain = ![...reading].some(char => char < ' ' || char === '\\' || char === '\x7f') && !reading.includes('//') && (round > 0 || !reading.includes(' '))
    const hasSegments = reading.split('/').length === path.split('/').length && !reading.split('/').some(segment => segment === '.' || segment === '..')
    if (!isPlain || !hasSegments) throw new Error(`${JSON.stringify(path)} can be read as ${JSON.stringify(reading)}`)
    reading = reading.replace(/%([0-9a-f]{2})/gi, (_, octet: string) => String.fromCharCode(parseInt(octet, 16)))
  }
}))

const prefixed = fc.tuple(fc.array(fc.constantFrom('a', 'ab', 'v1', 'x.y'), { minLength: 1, maxLength: 3 }), fc.array(fc.constantFrom('c', 'd%20e', '%41', 'a'), { maxLength: 3 }), fc.boolean(), fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }))

holds(t, "a prefix is taken off, in whatever spelling it came, and the rest isn't touched", 5_000, fc.property(prefixed, ([prefix, rest, hasSlash, escapes]) => {
  const stripPrefix = `/${prefix.join('/')}`
  const sent = [...stripPrefix].map((char, index) => char !== '/' && escapes[index % escapes.length] === true ? `%${char.charCodeAt(0).toString(16)}` : char).join('')
  const tail = rest.map(segment => `/${segment}`).join('') + (hasSlash ? '/' : '')
  return forwardedPath({ stripPrefix }, sent + tail) === (tail === '' ? '/' : tail) && forwardedPath({ stripPrefix: null }, sent + tail) === sent + tail
}))
