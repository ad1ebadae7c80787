import { isProblem } from '../../api/problem.ts'
import type { UsageSummary } from '../../api/types.ts'
import { TrafficChart } from '../../charts/traffic-chart.tsx'
import { periodOf, rangeOf } from '../../format/period.ts'
import { Card } from '../../parts/card.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { PeriodPicker } from '../../parts/period-picker.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { UsageStats } from '../../parts/usage-stats.tsx'
import { ViewHead } from '../../parts/view-head.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'
import { ErrorList } from './error-list.tsx'
import { FirstSteps } from './first-steps.tsx'
import { NotRecorded } from './not-recorded.tsx'
import { RefusalList } from './refusal-list.tsx'
import { TopKeys, TopRoutes } from './top-lists.tsx'

const refreshMs = 15_000
/** Of each list: the rest is a question for a report. */
const listLength = 6

export function Overview ({ query }: { readonly query: URLSearchParams }) {
  const { api } = useSession()
  const period = periodOf(query.get('period'))
  const { data, error, reload } = useLoad(signal => api.summary({ ...rangeOf(period), limit: listLength }, signal), [api, period.id], { refreshMs })
  return (
    <>
      <ViewHead title='Overview' lead={`Traffic of the ${period.words}`}><PeriodPicker period={period} /></ViewHead>
      {isProblem(error, 'usage_not_recorded')
        ? <NotRecorded />
        : (
          <>
            {error !== null && <ProblemNote error={error} onRetry={reload} />}
            {data !== null ? <Summary data={data} words={period.words} /> : error === null && <Skeleton rows={8} label='Loading the traffic' />}
          </>
          )}
    </>
  )
}

function Summary ({ data, words }: { readonly data: UsageSummary, readonly words: string }) {
  return (
    <>
      {data.totals.requests === 0 && <FirstSteps words={words} />}
      <UsageStats totals={data.totals} />
      {data.totals.requests > 0 && (
        <>
          <Card title='Traffic' note={`Requests with a key, per ${data.bucket}${data.bucket === 'day' ? ', in UTC' : ''}`}>
            <TrafficChart usage={data} label={`Traffic of the ${words}, per ${data.bucket}`} />
          </Card>
          <div class='columns'>
            <TopKeys keys={data.keys} total={data.totals.requests} />
            <TopRoutes routes={data.routes} total={data.totals.requests} />
          </div>
        </>
      )}
      <div class='columns'>
        {data.totals.requests > 0 && <ErrorList errors={data.errors} />}
        <RefusalList refusals={data.refusals} />
      </div>
    </>
  )
}
