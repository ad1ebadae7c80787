import { isProblem } from '../../api/problem.ts'
import type { ApiKey, Routes } from '../../api/types.ts'
import { TrafficChart } from '../../charts/traffic-chart.tsx'
import { curlLine } from '../../format/curl.ts'
import { periodOf, rangeOf } from '../../format/period.ts'
import { Card } from '../../parts/card.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { PeriodPicker } from '../../parts/period-picker.tsx'
import { ShellLine } from '../../parts/shell-line.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { UsageStats } from '../../parts/usage-stats.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'

export const usageRefreshMs = 5_000

/** A key's traffic, anew every few seconds: one watches a first call arrive here. */
export function KeyUsage ({ apiKey, routes, query }: { readonly apiKey: ApiKey, readonly routes: Routes | null, readonly query: URLSearchParams }) {
  const { api } = useSession()
  const { id } = apiKey
  const period = periodOf(query.get('period'))
  const { data, error, reload } = useLoad(signal => api.keyUsage(id, { ...rangeOf(period), bucket: period.bucket }, signal), [api, id, period.id], { refreshMs: usageRefreshMs })
  if (isProblem(error, 'usage_not_recorded')) return <Card title='Usage'><p class='nothing'>This gateway records no usage (<code>usage.store</code> is <code>none</code>).</p></Card>
  return (
    <Card title='Usage' note={`Requests of the ${period.words}${period.bucket === 'day' ? ', days in UTC' : ''}`} actions={<PeriodPicker period={period} />}>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      {data === null && error === null && <Skeleton rows={6} label='Loading the usage' />}
      {data !== null && (data.totals.requests === 0
        ? <Unused apiKey={apiKey} routes={routes} words={period.words} />
        : (
          <>
            <UsageStats totals={data.totals} />
            <TrafficChart usage={data} label={`This key’s traffic of the ${period.words}, per ${data.bucket}`} />
          </>
          ))}
    </Card>
  )
}

function Unused ({ apiKey: { scopes, status }, routes, words }: { readonly apiKey: ApiKey, readonly routes: Routes | null, readonly words: string }) {
  const { gateway } = useSession()
  const line = routes === null || status !== 'active' ? null : curlLine(gateway, routes.data, scopes, 'YOUR_KEY')
  return (
    <div class='unused'>
      <p class='nothing'>No requests in the {words}.{line !== null && ' With the key in place of YOUR_KEY, this sends one; it shows up here within seconds:'}</p>
      {line !== null && <ShellLine line={line} label='Copy the curl line' />}
    </div>
  )
}
