import type { AuthMode, ScopeRule } from '../config/config.ts'
import type { ProblemCode } from '../errors.ts'
import { problems } from '../errors.ts'
import { forwardedPath } from './forwarded-path.ts'
import type { Match, RouteTable } from './route-table.ts'
import { holdsScopes } from './scopes.ts'

export { forwardedPath } from './forwarded-path.ts'

export interface Question {
  readonly method: string
  readonly host?: string | undefined
  /** A query is cut off. */
  readonly path: string
  /** What the key holds; null: the request comes without a key. */
  readonly scopes: readonly string[] | null
}

/** What the gateway would answer, and why. */
export interface Verdict {
  /** The gateway's own refusal; null: forwarded, the upstream's status decides. */
  readonly status: number | null
  readonly code: ProblemCode | null
  readonly reason: string
  /** With 405: the Allow header. */
  readonly allow: string | null
  readonly routeId: string | null
  readonly auth: AuthMode | null
  readonly requiredScopes: ScopeRule | null
  readonly upstream: string | null
  /** What the upstream would get, the query included; null where nothing is forwarded. */
  readonly forwardedPath: string | null
  /** On a route with `auth: report`: what would have been refused otherwise. */
  readonly reportedCode: ProblemCode | null
}

const UNROUTED = { allow: null, routeId: null, auth: null, requiredScopes: null, upstream: null, forwardedPath: null, reportedCode: null }

/** The gateway's verdict on a request, from the table alone: the key counts as valid, and nothing is contacted. */
export function explain (table: RouteTable, { method, host, path: target, scopes }: Question): Verdict {
  const queryStart = target.indexOf('?')
  const path = queryStart === -1 ? target : target.slice(0, queryStart)
  const match = table.match(method, host, path)
  if (match.kind !== 'route') return unrouted(match)
  const { route } = match
  const code = route.auth === 'none' ? null : refusal(scopes, route.scopes)
  const about = { allow: null, routeId: route.id, auth: route.auth, requiredScopes: route.scopes, upstream: route.upstream }
  if (code !== null && route.auth === 'key') {
    return { ...about, status: problems[code].status, code, reason: problems[code].detail, forwardedPath: null, reportedCode: null }
  }
  const query = queryStart === -1 ? '' : target.slice(queryStart)
  return { ...about, status: null, code: null, reason: reasonOf(route.auth, code), forwardedPath: forwardedPath(route, path) + query, reportedCode: code }
}

function unrouted (match: Exclude<Match, { kind: 'route' }>): Verdict {
  switch (match.kind) {
    case 'not_found': return refused('route_not_found')
    case 'method_not_allowed': return { ...refused('method_not_allowed'), allow: match.allow }
    case 'ambiguous': return refused('ambiguous_path', sentence(match.reason))
    case 'bad': return refused('bad_request', sentence(match.reason))
  }
}

function refused (code: ProblemCode, reason: string = problems[code].detail): Verdict {
  return { ...UNROUTED, status: problems[code].status, code, reason }
}

function sentence (reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}

function refusal (scopes: readonly string[] | null, rule: ScopeRule): ProblemCode | null {
  if (scopes === null) return 'missing_key'
  return holdsScopes(scopes, rule) ? null : 'insufficient_scope'
}

function reasonOf (auth: AuthMode, reportedCode: ProblemCode | null): string {
  if (auth === 'none') return 'The route is public.'
  return reportedCode === null ? 'The key holds what the route requires.' : `The route only reports: it would have been refused as ${reportedCode}.`
}
