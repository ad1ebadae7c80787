import type { ApiKey } from '../../keys/manager.ts'
import type { Verdict } from '../../routes/explain.ts'
import type { Output } from '../output.ts'

/** A verdict for people: the answer in the first line, what led to it below. */
export function printVerdict (output: Output, { method, path, host }: { method: string, path: string, host?: string }, verdict: Verdict, key: ApiKey | null): void {
  const isForwarded = verdict.code === null
  const answer = isForwarded ? output.colour('green', 'forwarded') : output.colour('red', `${verdict.status} ${verdict.code}`)
  output.line(`${method} ${host ?? ''}${path}: ${answer}`)
  output.line()
  output.pairs([
    ['why', verdict.reason],
    ...pair('allow', verdict.allow),
    ...pair('route', verdict.routeId),
    ...pair('auth', verdict.auth),
    ...pair('scopes', requirement(verdict)),
    ...pair('key', key === null ? null : `${key.prefix} (id ${key.id}), ${key.status}, holds ${key.scopes.join(' ') || 'nothing'}`),
    ...pair('upstream', verdict.upstream),
    ...pair('forwarded as', verdict.forwardedPath),
  ])
}

function pair (name: string, value: string | null): [name: string, value: string][] {
  return value === null ? [] : [[name, value]]
}

function requirement ({ requiredScopes }: Verdict): string | null {
  if (requiredScopes === null) return null
  const { allOf, anyOf } = requiredScopes
  const parts = [
    ...allOf.length > 0 ? [`all of ${allOf.join(', ')}`] : [],
    ...anyOf.length > 0 ? [`one of ${anyOf.join(', ')}`] : [],
  ]
  return parts.join(', and ') || 'any valid key'
}
