import type { Numbers } from '../api/types.ts'
import { bytesOf, countedOf, countOf, millisecondsOf, shareOf, shortCount } from '../format/number.ts'
import { Stat, Stats } from './stat.tsx'

export function UsageStats ({ totals }: { readonly totals: Numbers }) {
  const { requests, errors, serverErrors, latencyMs, requestBytes, responseBytes } = totals
  return (
    <Stats>
      <Stat label='Requests' value={shortCount(requests)} detail={`${countOf(requests - errors)} succeeded`} />
      <Stat label='Error rate' value={shareOf(errors, requests)} detail={`${countedOf(errors, 'error')}, ${countOf(serverErrors)} of them 5xx`} />
      <Stat label='p95 latency' value={latencyMs === null ? '–' : millisecondsOf(latencyMs.p95)} detail={latencyMs === null ? 'No requests yet' : `p50 ${millisecondsOf(latencyMs.p50)}, p99 ${millisecondsOf(latencyMs.p99)}`} />
      <Stat label='Data out' value={bytesOf(responseBytes)} detail={`${bytesOf(requestBytes)} in`} />
    </Stats>
  )
}
