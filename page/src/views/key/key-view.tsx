import { useCallback, useState } from 'preact/hooks'
import type { Answer } from '../../api/client.ts'
import { isProblem } from '../../api/problem.ts'
import type { ApiKey } from '../../api/types.ts'
import { nameOf } from '../../format/key-fields.ts'
import { StatusBadge } from '../../parts/badge.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { ViewHead } from '../../parts/view-head.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'
import { EditDialog } from './edit-dialog.tsx'
import { Ending } from './ending.tsx'
import { Facts } from './facts.tsx'
import { History } from './history.tsx'
import { KeyUsage, usageRefreshMs } from './key-usage.tsx'
import { RotateDialog } from './rotate-dialog.tsx'
import { RotationPanel } from './rotation-panel.tsx'
import { ScopesCard } from './scopes-card.tsx'

/** As often as the usage below: who still uses an old secret must not be told otherwise here than there. */
const refreshMs = usageRefreshMs
const back = { href: '#/keys', label: 'Keys' }

export function KeyView ({ id, query }: { readonly id: number, readonly query: URLSearchParams }) {
  const { api, canWrite } = useSession()
  const { data, error, reload, setData } = useLoad(signal => api.key(id, signal), [api, id], { refreshMs })
  const { data: routes } = useLoad(signal => api.routes(signal), [api])
  const [dialog, setDialog] = useState<'edit' | 'rotate' | null>(null)
  const [changes, setChanges] = useState(0)
  const key = data?.body ?? null
  /** After any change: the history has a line more. */
  const onChanged = useCallback((answer?: Answer<ApiKey>) => {
    if (answer === undefined) reload()
    else setData(answer)
    setChanges(changes => changes + 1)
  }, [])

  if (isProblem(error, 'key_not_found')) {
    return (
      <>
        <ViewHead title={`Key ${id}`} back={back} />
        <Empty icon='key' title='There is no such key.'><p>It may have been deleted. The <a href='#/audit'>audit log</a> knows.</p></Empty>
      </>
    )
  }
  if (key === null) {
    return (
      <>
        <ViewHead title={`Key ${id}`} back={back} />
        {error === null ? <Skeleton rows={8} label='Loading the key' /> : <ProblemNote error={error} onRetry={reload} />}
      </>
    )
  }
  const isOver = key.status === 'revoked' || key.status === 'expired'
  return (
    <>
      <ViewHead
        title={nameOf(key)} back={back} badge={<StatusBadge status={key.status} />}
        lead={<p class='prefix'><code>{key.prefix}…</code><CopyButton text={key.prefix} label='Copy the prefix' isQuiet /></p>}
      >
        {canWrite
          ? (
            <>
              <button type='button' class='button' onClick={() => setDialog('edit')}>Edit</button>
              <button type='button' class='button button-primary' disabled={isOver} title={isOver ? `A key that is ${key.status} can’t be rotated` : undefined} onClick={() => setDialog('rotate')}><Icon name='rotate' />Rotate</button>
            </>
            )
          : <p class='hint read-only'>This token may only read</p>}
      </ViewHead>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      <RotationPanel apiKey={key} onChanged={onChanged} />
      <KeyUsage apiKey={key} routes={routes} query={query} />
      <div class='columns'>
        <Facts apiKey={key} />
        <ScopesCard apiKey={key} routes={routes} />
      </div>
      <History id={id} changes={changes} />
      {canWrite && <Ending apiKey={key} onChanged={onChanged} />}
      {dialog === 'edit' && routes !== null && <EditDialog opened={data!} routes={routes} onChanged={onChanged} onClose={() => setDialog(null)} />}
      {dialog === 'rotate' && <RotateDialog apiKey={key} routes={routes} onChanged={onChanged} onClose={() => setDialog(null)} />}
    </>
  )
}
