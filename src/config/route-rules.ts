import { METHODS } from 'node:http'
import { isRequestHost } from './hosts.ts'
import { asList, asMap, asText } from './loose.ts'
import type { LooseMap } from './loose.ts'
import { nearest } from './nearest.ts'
import { looseRoutePathShape, routePathFault, routePathShape } from './route-path.ts'
import type { ValueFault } from './schema-faults.ts'
import { quote } from './schema-faults.ts'

/** Tunnels are never opened, and TRACE would hand the client what the gateway added. */
const NEVER_FORWARDED = ['CONNECT', 'TRACE']

/** The methods that a route without `methods` serves: all that this Node reads, but CONNECT and TRACE. */
export const forwardedMethods: readonly string[] = Object.freeze(METHODS.filter((method) => !NEVER_FORWARDED.includes(method)).sort())

interface LooseRoute {
  readonly index: number
  readonly id: string | null
  readonly path: string | null
  readonly host: string | null
  readonly methods: readonly string[]
}

/** What is wrong with the routes beyond the schema, each by itself and with one another. */
export function routeFaults (routes: readonly LooseMap[], upstreams: LooseMap): ValueFault[] {
  const faults: ValueFault[] = []
  const earlier: LooseRoute[] = []
  for (const [index, settings] of routes.entries()) {
    const fault = (key: string, message: string, ...rest: (string | number)[]): void => {
      faults.push({ path: ['routes', index, key, ...rest], part: 'value', message })
    }
    const route = looseRoute(index, settings)
    checkRoute(route, settings, upstreams, fault)
    const clash = clashWith(route, earlier)
    if (clash !== null) fault(clash.key, clash.message)
    if (route.id !== null && earlier.some(({ id }) => id === route.id)) fault('id', `route id ${quote(route.id)} is taken by an earlier route: give each its own`)
    earlier.push(route)
  }
  return faults
}

type Fault = (key: string, message: string, ...rest: (string | number)[]) => void

function looseRoute (index: number, { id, path, host, methods }: LooseMap): LooseRoute {
  const listed = asList(methods).filter((method) => typeof method === 'string')
  const usablePath = typeof path === 'string' && routePathFault(path) === null ? path : null
  return { index, id: asText(id), path: usablePath, host: asText(host)?.toLowerCase() ?? null, methods: methods === undefined ? forwardedMethods : listed }
}

function checkRoute ({ id, host }: LooseRoute, settings: LooseMap, upstreams: LooseMap, fault: Fault): void {
  const { upstream } = settings
  const path = asText(settings.path)
  const pathFault = path?.startsWith('/') === true ? routePathFault(path) : null
  if (id === 'none') fault('id', 'route id "none" is what metrics call requests without a route: choose another')
  if (path !== null && pathFault !== null) fault('path', `path ${quote(path)} ${pathFault}`)
  for (const [index, method] of asList(settings.methods).entries()) {
    const wrong = typeof method === 'string' && /^[A-Z][A-Z-]*$/.test(method) ? methodFault(method) : null
    if (wrong !== null) fault('methods', wrong, index)
  }
  if (host !== null && !isRequestHost(host)) fault('host', `host ${quote(host)} must be a host name or an address as clients send it, without scheme, port, wildcard or dot at the end`)
  if (typeof upstream === 'string' && !Object.hasOwn(upstreams, upstream)) fault('upstream', unknownUpstream(upstream, Object.keys(upstreams)))
  const stripPrefix = asText(settings.stripPrefix)
  if (path !== null && pathFault === null && stripPrefix?.startsWith('/') === true && !isLeadingPart(stripPrefix, path)) {
    fault('stripPrefix', `stripPrefix ${quote(stripPrefix)} must be a literal leading part of the path ${quote(path)}, whole segments, without a slash at its end`)
  }
  if (settings.auth === 'none' && requiresScopes(settings.scopes)) fault('scopes', 'a public route (auth: none) checks no scopes: remove the scopes, or the auth')
}

function methodFault (method: string): string | null {
  if (NEVER_FORWARDED.includes(method)) return `${method} is never forwarded: remove it`
  if (METHODS.includes(method)) return null
  const meant = nearest(method, forwardedMethods)
  return `unknown method ${quote(method)}${meant === null ? '' : `: did you mean ${meant}?`}`
}

function unknownUpstream (name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `no upstream is named ${quote(name)}${meant === null ? ': add it under upstreams' : `: did you mean ${quote(meant)}?`}`
}

function isLeadingPart (prefix: string, path: string): boolean {
  return /^\/[^:*]*[^:*/]$/.test(prefix) && (path === prefix || path.startsWith(`${prefix}/`))
}

function requiresScopes (scopes: unknown): boolean {
  return asList(scopes).length > 0 || Object.values(asMap(scopes)).some((list) => asList(list).length > 0)
}

function clashWith (route: LooseRoute, earlier: readonly LooseRoute[]): { key: string, message: string } | null {
  const { path, host, methods } = route
  if (path === null) return null
  for (const other of earlier) {
    if (other.path === null || looseRoutePathShape(other.path) !== looseRoutePathShape(path)) continue
    const otherName = `${quote(other.path)} of route ${other.id === null ? `number ${other.index + 1}` : quote(other.id)}`
    if (routePathShape(other.path) !== routePathShape(path)) {
      // Upstreams that ignore case and trailing slashes exist, so the gateway would refuse both spellings for ever.
      if (host === null || other.host === null || host === other.host) {
        return { key: 'path', message: `path ${quote(path)} differs from ${otherName} in case or a trailing slash only: every request to them would be ambiguous. Keep one spelling` }
      }
    } else if (host === other.host) {
      const shared = methods.find((method) => other.methods.includes(method))
      if (shared !== undefined) return { key: 'path', message: `${shared} ${quote(path)} is already served by ${otherName}: give them different methods, or merge them` }
    }
  }
  return null
}
