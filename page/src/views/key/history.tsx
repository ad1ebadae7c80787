import { AuditList } from '../../parts/audit-list.tsx'
import { Card } from '../../parts/card.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useSession } from '../../session.ts'
import { usePages } from '../../state/use-pages.ts'

const pageLength = 10

export function History ({ id, changes }: { readonly id: number, readonly changes: number }) {
  const { api } = useSession()
  const { rows, error, isLoading, hasMore, loadMore, reload } = usePages((cursor, signal) => api.audit({ keyId: id, limit: pageLength, ...cursor !== undefined && { cursor } }, signal), [api, id, changes])
  return (
    <Card title='History'>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      {rows === null && error === null && <Skeleton rows={3} label='Loading the history' />}
      {rows !== null && (rows.length === 0
        ? <p class='nothing'>Nothing is recorded: the key is older than the audit log.</p>
        : <><AuditList entries={rows} isOfOneKey />{hasMore && <LoadMore count={rows.length} noun='entry' hasMore isLoading={isLoading} onMore={loadMore} />}</>)}
    </Card>
  )
}
