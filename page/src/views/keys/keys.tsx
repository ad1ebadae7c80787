import { useEffect, useState } from 'preact/hooks'
import type { ApiKey } from '../../api/types.ts'
import { StatusBadge } from '../../parts/badge.tsx'
import { nameOf } from '../../format/key-fields.ts'
import { isUser } from '../../format/user.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Icon } from '../../parts/icon.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { ScopeList } from '../../parts/scope-list.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Time } from '../../parts/time.tsx'
import { UserId } from '../../parts/user-id.tsx'
import { ViewHead } from '../../parts/view-head.tsx'
import { replaceQuery } from '../../router.ts'
import { useSession } from '../../session.ts'
import { useNow } from '../../state/use-now.ts'
import { useDebounced } from '../../state/use-debounced.ts'
import { usePages } from '../../state/use-pages.ts'
import { KeyFilters } from './key-filters.tsx'

const typingMs = 220
const columns: readonly Column<ApiKey>[] = [
  { id: 'name', label: 'Name', cell: key => <><a href={`#/keys/${key.id}`}>{nameOf(key)}</a> <RotatingTag apiKey={key} /></> },
  { id: 'status', label: 'Status', cell: key => <StatusBadge status={key.status} /> },
  { id: 'prefix', label: 'Prefix', cell: key => <span class='prefix'><code>{key.prefix}…</code><CopyButton text={key.prefix} label={`Copy the prefix of ${nameOf(key)}`} isQuiet /></span> },
  { id: 'scopes', label: 'Scopes', cell: key => <ScopeList scopes={key.scopes} max={2} /> },
  { id: 'user', label: 'User', cell: key => <UserId id={key.userId} email={key.userEmail} /> },
  { id: 'used', label: 'Last used', cell: key => <Time at={key.lastUsedAt} /> },
  { id: 'created', label: 'Created', cell: key => <Time at={key.createdAt} none='Unknown' /> },
]

export function Keys ({ query }: { readonly query: URLSearchParams }) {
  const { api, canWrite } = useSession()
  const filters = { search: query.get('search') ?? '', status: query.get('status') ?? '', scope: query.get('scope') ?? '', userId: query.get('user') ?? '' }
  // What is typed waits a moment; what is chosen doesn't.
  const [typed, setTyped] = useState({ search: filters.search, user: filters.userId })
  const settled = useDebounced(typed, typingMs)
  useEffect(() => {
    // Half a one would be refused.
    const user = settled.user === '' || isUser(settled.user) ? settled.user : filters.userId
    if (settled.search !== filters.search || user !== filters.userId) replaceQuery({ search: settled.search, user })
  }, [settled])
  const { rows, error, isLoading, hasMore, loadMore, reload } = usePages((cursor, signal) => api.keys({ ...filters, ...cursor !== undefined && { cursor } }, signal), [api, ...Object.values(filters)])
  const isFiltered = Object.values(filters).some(value => value !== '')
  const clear = (): void => {
    setTyped({ search: '', user: '' })
    replaceQuery({ search: '', status: '', scope: '', user: '' })
  }

  return (
    <>
      <ViewHead title='Keys' lead='Who may call, and what each may reach'>
        {canWrite
          ? <a class='button button-primary' href='#/keys/new'><Icon name='plus' />Create key</a>
          : <p class='hint read-only'>This token may only read</p>}
      </ViewHead>
      <KeyFilters filters={filters} typed={typed} onType={setTyped} onClear={isFiltered ? clear : null} />
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      {rows === null && error === null && <Skeleton rows={8} label='Loading keys' />}
      {rows !== null && rows.length === 0 && error === null && (isFiltered
        ? <Empty icon='search' title='No key matches.'><p><button type='button' class='button' onClick={clear}>Clear the filters</button></p></Empty>
        : (
          <Empty icon='key' title='No keys yet.'>
            <p>A key lets a program call your API through the gateway.</p>
            {canWrite && <p><a class='button button-primary' href='#/keys/new'>Create the first key</a></p>}
          </Empty>
          ))}
      {rows !== null && rows.length > 0 && (
        <>
          <DataTable caption='API keys, newest first' columns={columns} rows={rows} idOf={({ id }) => id} linkOf={({ id }) => `#/keys/${id}`} isBusy={isLoading} />
          <LoadMore count={rows.length} noun='key' hasMore={hasMore} isLoading={isLoading} onMore={loadMore} />
        </>
      )}
    </>
  )
}

/** Only where an old secret opens anything: of a key that is off or over none does. */
function RotatingTag ({ apiKey: { status, earlierSecrets } }: { readonly apiKey: ApiKey }) {
  const nowMs = useNow()
  if (status !== 'active' || !earlierSecrets.some(({ expiresAt }) => Date.parse(expiresAt) > nowMs)) return null
  return <span class='tag' title='A replaced secret still works'>Rotating</span>
}
