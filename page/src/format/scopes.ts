import type { Route, ScopeRule } from '../api/types.ts'

const scopePattern = /^[a-z0-9._-]+(:[a-z0-9._-]+)*$/
const wildcardPattern = /^([a-z0-9._-]+:)*\*$/

/** What may be held: `inventory:read`, `inventory:*`, `*`. Stored scopes of any other form grant nothing. */
export function isScope (text: string): boolean {
  return scopePattern.test(text) || wildcardPattern.test(text)
}

export function doesGrant (held: string, required: string): boolean {
  if (held === required || held === '*') return isScope(held)
  return wildcardPattern.test(held) && required.startsWith(held.slice(0, -1))
}

/** Whether all that the rule asks for is held. */
export function doesOpen (held: readonly string[], rule: ScopeRule): boolean {
  const isHeld = (required: string): boolean => held.some(scope => doesGrant(scope, required))
  return rule.allOf.every(isHeld) && (rule.anyOf.length === 0 || rule.anyOf.some(isHeld))
}

/** What is missing for it: `c, and one of a, b`; null where nothing is. */
export function lackText (held: readonly string[], { allOf, anyOf }: ScopeRule): string | null {
  const isHeld = (required: string): boolean => held.some(scope => doesGrant(scope, required))
  return ruleText({ allOf: allOf.filter(required => !isHeld(required)), anyOf: anyOf.some(isHeld) ? [] : anyOf })
}

/** Whether the scope counts towards the rule, be it enough or not. */
export function contributesTo (scope: string, rule: ScopeRule): boolean {
  return [...rule.allOf, ...rule.anyOf].some(required => doesGrant(scope, required))
}

export interface ScopeGroup {
  /** What precedes the first colon. */
  readonly resource: string
  readonly scopes: readonly string[]
  /** `inventory:*`, where there is anything below it. */
  readonly wildcard: string | null
}

/** By resource, in the order of the names; each with its wildcard. */
export function groupScopes (scopes: readonly string[]): readonly ScopeGroup[] {
  const groups = new Map<string, string[]>()
  for (const scope of [...new Set(scopes)].sort()) {
    const resource = scope.split(':', 1)[0]!
    groups.set(resource, [...groups.get(resource) ?? [], scope])
  }
  return [...groups].map(([resource, scopes]) => ({
    resource,
    scopes: scopes.filter(scope => !scope.endsWith('*')),
    wildcard: scopes.some(scope => scope.includes(':')) ? `${resource}:*` : null,
  }))
}

/** `a:read and b:read`, `any of c, d`; null where a valid key is enough. */
export function ruleText ({ allOf, anyOf }: ScopeRule): string | null {
  const parts = [allOf.join(' and '), anyOf.length === 0 ? '' : anyOf.length === 1 ? anyOf[0]! : `any of ${anyOf.join(', ')}`].filter(part => part !== '')
  return parts.length === 0 ? null : parts.join(', and ')
}

export function methodsOf (route: Pick<Route, 'methods'>): string {
  return route.methods === null ? 'Any method' : route.methods.join(', ')
}
