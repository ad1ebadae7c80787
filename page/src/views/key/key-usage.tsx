import { isProblem } from '../../api/problem.ts'
import { TrafficChart } from '../../charts/traffic-chart.tsx'
import { periodOf, rangeOf } from '../../format/period.ts'
import { Card } from '../../parts/card.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { PeriodPicker } from '../../parts/period-picker.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { UsageStats } from '../../parts/usage-stats.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'

const refreshMs = 5_000

/** A key's traffic, anew every few seconds: one watches a first call arrive here. */
export function KeyUsage ({ id, query }: { readonly id: number, readonly query: URLSearchParams }) {
  const { api } = useSession()
  const period = periodOf(query.get('period'))
  const { data, error, reload } = useLoad(signal => api.keyUsage(id, { ...rangeOf(period), bucket: period.bucket }, signal), [api, id, period.id], { refreshMs })
  if (isProblem(error, 'usage_not_recorded')) return <Card title='Usage'><p class='nothing'>This gateway records no usage (<code>usage.store</code> is <code>none</code>).</p></Card>
  return (
    <Card title='Usage' note={`Requests of the ${period.words}${period.bucket === 'day' ? ', days in UTC' : ''}`} actions={<PeriodPicker period={period} />}>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
      {data === null
        ? error === null && <Skeleton rows={6} label='Loading the usage' />
        : (
          <>
            <UsageStats totals={data.totals} />
            <TrafficChart usage={data} label={`This key’s traffic of the ${period.words}, per ${data.bucket}`} />
          </>
          )}
    </Card>
  )
}
