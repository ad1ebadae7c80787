import type { ApiKey, Route, Routes } from '../../api/types.ts'
import { contributesTo, doesOpen, isScope, methodsOf, ruleText } from '../../format/scopes.ts'
import { Card } from '../../parts/card.tsx'

/** What each scope is good for, as the routes in force have it. */
export function ScopesCard ({ apiKey: { id, scopes }, routes }: { readonly apiKey: ApiKey, readonly routes: Routes | null }) {
  const open = routes?.data.filter(route => route.auth !== 'none' && ruleText(route.scopes) === null) ?? []
  return (
    <Card title='Scopes' note='And the routes that each opens' actions={<a class='button button-small' href={`#/routes?key=${id}`}>Try a request</a>}>
      {scopes.length === 0 && <p class='nothing'>It holds none, so it opens only what needs no more than a valid key.</p>}
      <ul class='scope-list'>
        {scopes.map(scope => (
          <li key={scope}>
            <p><code class='chip'>{scope}</code></p>
            {routes !== null && <RoutesOf scope={scope} held={scopes} routes={routes.data} />}
          </li>
        ))}
        {open.length > 0 && (
          <li>
            <p class='hint'>Any valid key</p>
            <ul class='route-list'>{open.map(route => <RouteLine key={route.id} route={route} held={scopes} />)}</ul>
          </li>
        )}
      </ul>
    </Card>
  )
}

function RoutesOf ({ scope, held, routes }: { readonly scope: string, readonly held: readonly string[], readonly routes: readonly Route[] }) {
  const opened = routes.filter(route => route.auth !== 'none' && contributesTo(scope, route.scopes))
  if (opened.length === 0) return <p class='hint'>{isScope(scope) ? 'No route in force asks for it.' : 'Not a scope’s form: it grants nothing.'}</p>
  return <ul class='route-list'>{opened.map(route => <RouteLine key={route.id} route={route} held={held} />)}</ul>
}

function RouteLine ({ route, held }: { readonly route: Route, readonly held: readonly string[] }) {
  return (
    <li>
      <span class='methods'>{methodsOf(route)}</span> <code class='breakable'>{route.host}{route.path}</code>
      {!doesOpen(held, route.scopes) && <span class='hint'> not open: it asks for {ruleText(route.scopes)}</span>}
    </li>
  )
}
