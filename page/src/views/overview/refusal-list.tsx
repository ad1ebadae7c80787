import type { UsageSummary } from '../../api/types.ts'
import { countOf } from '../../format/number.ts'
import { isRefusal, refusalReason } from '../../format/refusal-reasons.ts'
import { Card } from '../../parts/card.tsx'

/** What the gateway turned away; also what came without a proven key and so is in no usage. */
export function RefusalList ({ refusals }: { readonly refusals: UsageSummary['refusals'] }) {
  const shown = refusals.filter(({ reason, requests }) => requests > 0 && isRefusal(reason)).sort((a, b) => b.requests - a.requests)
  return (
    <Card title='Refusals' note='Since this gateway started'>
      {shown.length === 0
        ? <p class='nothing'>Nothing was refused.</p>
        : (
          <ul class='event-list'>
            {shown.map(({ reason, requests }) => (
              <li key={reason}>
                <div>
                  <p><code>{reason}</code></p>
                  <p class='hint'>{refusalReason(reason)}</p>
                </div>
                <p class='event-count'>{countOf(requests)}<span class='visually-hidden'> {requests === 1 ? 'request' : 'requests'}</span></p>
              </li>
            ))}
          </ul>
          )}
    </Card>
  )
}
