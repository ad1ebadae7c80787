import type { ComponentChildren } from 'preact'
import type { Numbers, UsageSummary } from '../../api/types.ts'
import { countOf, millisecondsOf, shareOf } from '../../format/number.ts'
import { Card } from '../../parts/card.tsx'

export function TopKeys ({ keys, total }: { readonly keys: UsageSummary['keys'], readonly total: number }) {
  return (
    <TopList
      title='Top keys' total={total} rows={keys.map(key => ({
        id: String(key.key),
        name: key.name === null ? <span class='muted'>Deleted key {key.key}</span> : <a href={`#/keys/${key.key}`}>{key.name}</a>,
        detail: key.prefix === null ? null : <code>{key.prefix}…</code>,
        numbers: key,
      }))}
    />
  )
}

export function TopRoutes ({ routes, total }: { readonly routes: UsageSummary['routes'], readonly total: number }) {
  return <TopList title='Top routes' total={total} rows={routes.map(route => ({ id: route.route, name: route.route === '' ? <span class='muted'>No route known</span> : route.route, detail: null, numbers: route }))} />
}

function TopList ({ title, total, rows }: {
  readonly title: string
  readonly total: number
  readonly rows: readonly { readonly id: string, readonly name: ComponentChildren, readonly detail: ComponentChildren, readonly numbers: Numbers }[]
}) {
  return (
    <Card title={title}>
      <ol class='top-list'>
        {rows.map(({ id, name, detail, numbers: { requests, errors, latencyMs } }) => (
          <li key={id}>
            <p class='top-name'><span class='top-title'>{name}</span>{detail}</p>
            <p class='top-count'>{countOf(requests)}<span class='visually-hidden'> {requests === 1 ? 'request' : 'requests'}</span></p>
            <Meter share={total === 0 ? 0 : requests / total} errorShare={total === 0 ? 0 : errors / total} />
            <p class='top-detail'>{shareOf(requests, total)} of all · {errors === 0 ? 'no errors' : `${shareOf(errors, requests)} errors`}{latencyMs !== null && ` · p95 ${millisecondsOf(latencyMs.p95)}`}</p>
          </li>
        ))}
      </ol>
    </Card>
  )
}

/** Says nothing that the words beside it don't. */
function Meter ({ share, errorShare }: { readonly share: number, readonly errorShare: number }) {
  return (
    <svg class='meter' viewBox='0 0 100 4' width='100%' height='4' preserveAspectRatio='none' aria-hidden='true'>
      <rect class='meter-ground' width='100' height='4' />
      <rect class='bar' width={share * 100} height='4' />
      <rect class='bar-errors' x={Math.max(0, (share - errorShare) * 100)} width={errorShare * 100} height='4' />
    </svg>
  )
}
