import type { Route } from '../../api/types.ts'
import { methodsOf, ruleText } from '../../format/scopes.ts'
import { AuthBadge } from '../../parts/badge.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { ViewHead } from '../../parts/view-head.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'
import { Explain } from './explain.tsx'
import { RuleScopes } from './rule-scopes.tsx'

const columns: readonly Column<Route>[] = [
  { id: 'path', label: 'Path', cell: route => <span class='route-path'><code class='breakable'>{route.host !== null && <span class='muted'>{route.host}</span>}{route.path}</code></span> },
  { id: 'methods', label: 'Methods', cell: route => <span class='methods'>{methodsOf(route)}</span> },
  { id: 'auth', label: 'Access', cell: route => <AuthBadge auth={route.auth} /> },
  { id: 'scopes', label: 'Scopes', cell: route => route.auth === 'none' ? <span class='muted'>–</span> : ruleText(route.scopes) === null ? <span class='muted'>Any valid key</span> : <RuleScopes rule={route.scopes} /> },
  { id: 'upstream', label: 'Upstream', cell: route => <span title={route.targets.join('\n')}>{route.upstream}</span> },
  { id: 'id', label: 'Route id', cell: route => <code>{route.id}</code> },
]

export function RoutesView ({ query }: { readonly query: URLSearchParams }) {
  const { api } = useSession()
  const { data, error, reload } = useLoad(signal => api.routes(signal), [api], { refreshMs: 30_000 })
  return (
    <>
      <ViewHead title='Routes' lead='What the gateway forwards, as its configuration in force has it' />
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      <Explain query={query} scopes={data?.scopes ?? []} />
      {data === null
        ? error === null && <Skeleton rows={8} label='Loading the routes' />
        : data.data.length === 0
          ? <Empty icon='routes' title='No routes are configured.'><p>Add some to the configuration file: they are taken over without a restart.</p></Empty>
          : (
            <Card title='In force' note='The most specific path wins, whatever the order'>
              <DataTable caption='Routes in force' columns={columns} rows={data.data} idOf={({ id }) => id} />
            </Card>
            )}
    </>
  )
}
