/** Scopes as chips: all, or the first few and how many more. */
export function ScopeList ({ scopes, max = Infinity }: { readonly scopes: readonly string[], readonly max?: number }) {
  if (scopes.length === 0) return <span class='muted'>None</span>
  const shown = scopes.length <= max ? scopes : scopes.slice(0, max)
  const rest = scopes.slice(shown.length)
  return (
    <ul class='chips'>
      {shown.map(scope => <li key={scope} class='chip' title={scope}>{scope}</li>)}
      {rest.length > 0 && <li class='chip chip-more' title={rest.join('\n')}>+{rest.length}<span class='visually-hidden'> more: {rest.join(', ')}</span></li>}
    </ul>
  )
}
