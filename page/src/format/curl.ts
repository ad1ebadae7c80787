import type { Gateway, Route } from '../api/types.ts'
import { doesOpen } from './scopes.ts'

/** A line for a shell that calls the gateway with the key, on a route that its scopes open. Null where they open none. */
export function curlLine (gateway: Gateway, routes: readonly Route[], scopes: readonly string[], key: string): string | null {
  const route = easiest(routes.filter(route => route.auth !== 'none' && doesOpen(scopes, route.scopes)))
  if (route === undefined) return null
  const method = methodOf(route)
  const parts = ['curl', '-i']
  if (method !== 'GET') parts.push('-X', method)
  parts.push('-H', `'${gateway.keyHeader}: ${key}'`)
  if (route.host !== null) parts.push('-H', `'host: ${route.host}'`)
  parts.push(`'${gateway.gatewayUrl}${examplePath(route.path)}'`)
  return parts.join(' ')
}

/** Reading before writing, and paths without parameters before those with. */
function easiest (routes: readonly Route[]): Route | undefined {
  const cost = (route: Route): number => (methodOf(route) === 'GET' ? 0 : 4) + (route.host === null ? 0 : 2) + (/[:*]/.test(route.path) ? 1 : 0)
  return [...routes].sort((a, b) => cost(a) - cost(b))[0]
}

function methodOf ({ methods }: Route): string {
  return methods === null || methods.includes('GET') ? 'GET' : methods[0]!
}

export function examplePath (pattern: string): string {
  return pattern.replace(/:[^/]+/g, '1').replace(/\*$/, 'example')
}
