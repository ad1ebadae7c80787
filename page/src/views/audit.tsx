import { useEffect, useId, useState } from 'preact/hooks'
import { actionLabel, auditActions } from '../format/audit-words.ts'
import { AuditList } from '../parts/audit-list.tsx'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemNote } from '../parts/note.tsx'
import { Skeleton } from '../parts/skeleton.tsx'
import { ViewHead } from '../parts/view-head.tsx'
import { replaceQuery } from '../router.ts'
import { useSession } from '../session.ts'
import { useDebounced } from '../state/use-debounced.ts'
import { usePages } from '../state/use-pages.ts'

const typingMs = 300

export function Audit ({ query }: { readonly query: URLSearchParams }) {
  const { api } = useSession()
  const filters = { action: query.get('action') ?? '', actor: query.get('actor') ?? '' }
  const [typed, setTyped] = useState(filters.actor)
  const namesId = useId()
  const settled = useDebounced(typed, typingMs)
  useEffect(() => {
    if (settled !== filters.actor) replaceQuery({ actor: settled })
  }, [settled])
  const { rows, error, isLoading, hasMore, loadMore, reload } = usePages((cursor, signal) => api.audit({ ...filters, ...cursor !== undefined && { cursor } }, signal), [api, filters.action, filters.actor])
  return (
    <>
      <ViewHead title='Audit log' lead='Who changed what, when and from where. Nothing here can be altered.' />
      <form class='filters' role='search' onSubmit={event => event.preventDefault()} autocomplete='off'>
        <label>
          <span class='visually-hidden'>Action</span>
          <select value={filters.action} onChange={event => replaceQuery({ action: event.currentTarget.value })}>
            <option value=''>Any action</option>
            {auditActions.map(action => <option key={action} value={action}>{actionLabel(action)}</option>)}
          </select>
        </label>
        <label class='user-box'>
          <span class='visually-hidden'>By whom: the whole name of a token, a person or a database role</span>
          <datalist id={namesId}>{[...new Set(rows?.map(({ actor }) => actor.name))].map(name => <option key={name} value={name} />)}</datalist>
          <input type='text' placeholder='By whom: whole name' list={namesId} value={typed} spellcheck={false} autocapitalize='off' onInput={event => setTyped(event.currentTarget.value)} />
        </label>
      </form>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      {rows === null && error === null && <Skeleton rows={8} label='Loading the audit log' />}
      {rows !== null && rows.length === 0 && error === null && <Empty icon='audit' title={filters.action === '' && filters.actor === '' ? 'Nothing was changed yet.' : 'No entry matches.'} />}
      {rows !== null && rows.length > 0 && (
        <>
          <div class='card'><AuditList entries={rows} /></div>
          <LoadMore count={rows.length} noun='entry' hasMore={hasMore} isLoading={isLoading} onMore={loadMore} />
        </>
      )}
    </>
  )
}
