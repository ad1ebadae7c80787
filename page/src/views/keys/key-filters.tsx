import { Icon } from '../../parts/icon.tsx'
import { replaceQuery } from '../../router.ts'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'

const statuses = ['active', 'disabled', 'revoked', 'expired'] as const

/** What narrows the list. The address holds it all, so that a list can be sent to somebody. */
export function KeyFilters ({ filters, typed, onType, onClear }: {
  readonly filters: { readonly status: string, readonly scope: string }
  readonly typed: { readonly search: string, readonly user: string }
  readonly onType: (typed: { search: string, user: string }) => void
  /** Null while nothing is filtered. */
  readonly onClear: (() => void) | null
}) {
  const { api } = useSession()
  const { data: routes } = useLoad(signal => api.routes(signal), [api])
  const known = routes?.scopes.map(({ scope }) => scope) ?? []
  const scopes = filters.scope === '' || known.includes(filters.scope) ? known : [filters.scope, ...known]
  return (
    <form class='filters' role='search' onSubmit={event => event.preventDefault()} autocomplete='off'>
      <label class='search-box'>
        <span class='visually-hidden'>Search by name, prefix, email or user id</span>
        <Icon name='search' />
        <input type='search' placeholder='Search by name, prefix or email' value={typed.search} spellcheck={false} onInput={event => onType({ ...typed, search: event.currentTarget.value })} />
      </label>
      <label>
        <span class='visually-hidden'>Status</span>
        <select value={filters.status} onChange={event => replaceQuery({ status: event.currentTarget.value })}>
          <option value=''>Any status</option>
          {statuses.map(status => <option key={status} value={status}>{status[0]!.toUpperCase() + status.slice(1)}</option>)}
        </select>
      </label>
      <label>
        <span class='visually-hidden'>Scope</span>
        <select value={filters.scope} onChange={event => replaceQuery({ scope: event.currentTarget.value })}>
          <option value=''>Any scope</option>
          {scopes.map(scope => <option key={scope} value={scope}>{scope}</option>)}
        </select>
      </label>
      <label class='user-box'>
        <span class='visually-hidden'>User: an email or a user id</span>
        <input type='text' placeholder='User: email or id' value={typed.user} spellcheck={false} autocapitalize='off' onInput={event => onType({ ...typed, user: event.currentTarget.value })} />
      </label>
      {onClear !== null && <button type='button' class='button button-plain' onClick={onClear}>Clear</button>}
    </form>
  )
}
