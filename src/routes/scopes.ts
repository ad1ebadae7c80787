import type { ScopeRule } from '../config/config.ts'
import { grammars } from '../config/grammar.ts'

const SCOPE = new RegExp(grammars.scope.pattern)
const COLON = 58
const STAR = 42

/**
 * Whether a key with these scopes may use a route with this rule: all of `allOf` and, unless it is empty, one of
 * `anyOf`. The rule's scopes are valid, as the configuration's checks leave them; the held ones may be anything.
 */
export function holdsScopes (held: readonly string[], { allOf, anyOf }: ScopeRule): boolean {
  for (const required of allOf) {
    if (!grants(held, required)) return false
  }
  if (anyOf.length === 0) return true
  for (const required of anyOf) {
    if (grants(held, required)) return true
  }
  return false
}

/** Whether a route can require this: `inventory:read`. */
export function isScope (text: string): boolean {
  return SCOPE.test(text)
}

/** Whether a key can hold this to any effect: a scope, `*`, or a wildcard at the end such as `inventory:*`. */
export function isHeldScope (text: string): boolean {
  return text === '*' || isScope(text.endsWith(':*') ? text.slice(0, -2) : text)
}

function grants (held: readonly string[], required: string): boolean {
  for (const scope of held) {
    // What is equal to a valid scope is one: no other check of what is held is needed.
    if (scope === required || scope === '*' || isWildcardOf(scope, required)) return true
  }
  return false
}

/** `a:*` grants `a:b` and `a:b:c`, but neither `a` nor `ab:c`. */
function isWildcardOf (scope: string, required: string): boolean {
  const prefixLength = scope.length - 1
  if (prefixLength < 2 || required.length <= prefixLength) return false
  if (scope.charCodeAt(prefixLength) !== STAR || scope.charCodeAt(prefixLength - 1) !== COLON) return false
  for (let index = 0; index < prefixLength; index++) {
    if (scope.charCodeAt(index) !== required.charCodeAt(index)) return false
  }
  return true
}
