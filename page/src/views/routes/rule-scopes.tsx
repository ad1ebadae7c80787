import type { ScopeRule } from '../../api/types.ts'
import { ScopeList } from '../../parts/scope-list.tsx'

/** A route's rule: what is needed altogether, and of what one is enough. */
export function RuleScopes ({ rule: { allOf, anyOf } }: { readonly rule: ScopeRule }) {
  return (
    <span class='rule'>
      {allOf.length > 0 && <ScopeList scopes={allOf} />}
      {anyOf.length > 0 && <span class='rule'><span class='hint'>{allOf.length > 0 ? 'and any of' : 'any of'}</span><ScopeList scopes={anyOf} /></span>}
    </span>
  )
}
