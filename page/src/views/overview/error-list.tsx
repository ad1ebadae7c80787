import type { UsageSummary } from '../../api/types.ts'
import { requestsOf } from '../../format/number.ts'
import { hourWords } from '../../format/time.ts'
import { Card } from '../../parts/card.tsx'
import { useNow } from '../../state/use-now.ts'

export function ErrorList ({ errors }: { readonly errors: UsageSummary['errors'] }) {
  const nowMs = useNow()
  return (
    <Card title='Commonest errors' note='By status, route and key'>
      {errors.length === 0
        ? <p class='nothing'>No errors. Every request with a key was answered well.</p>
        : (
          <ul class='event-list'>
            {errors.map(({ key, prefix, name, route, status, requests, lastHour }) => (
              <li key={`${key} ${route} ${status}`}>
                <span class={status >= 500 ? 'status status-server' : 'status status-client'}>{status}</span>
                <div>
                  <p>{route === '' ? 'no route' : route} <span class='muted'>by</span> {name === null ? <span class='muted'>{prefix ?? `deleted key ${key}`}</span> : <a href={`#/keys/${key}`}>{name}</a>}</p>
                  <p class='hint'>{requestsOf(requests)} · last seen {hourWords(lastHour, nowMs)}</p>
                </div>
              </li>
            ))}
          </ul>
          )}
    </Card>
  )
}
