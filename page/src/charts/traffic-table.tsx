import type { Usage } from '../api/types.ts'
import { countOf, millisecondsOf } from '../format/number.ts'
import { bucketName } from './bucket-words.ts'

/** What the chart shows, the newest first, for who reads rather than looks. */
export function TrafficTable ({ usage, caption }: { readonly usage: Usage, readonly caption: string }) {
  return (
    <div class='chart-table' tabIndex={0} role='region' aria-label={`${caption}, as a table`}>
      <table class='plain-table'>
        <caption class='visually-hidden'>{caption}</caption>
        <thead>
          <tr><th scope='col'>{usage.bucket === 'hour' ? 'Hour' : 'Day'}</th><th scope='col'>Requests</th><th scope='col'>Errors</th><th scope='col'>p95</th></tr>
        </thead>
        <tbody>
          {[...usage.data].reverse().map(({ start, requests, errors, latencyMs }) => (
            <tr key={start}>
              <th scope='row'>{bucketName(start, usage.bucket)}</th>
              <td>{countOf(requests)}</td>
              <td>{countOf(errors)}</td>
              <td>{latencyMs === null ? '–' : millisecondsOf(latencyMs.p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
