import type { Location } from '../router.ts'
import { Audit } from './audit.tsx'
import { KeyView } from './key/key-view.tsx'
import { CreateKey } from './keys/create-key.tsx'
import { Keys } from './keys/keys.tsx'
import { NotFound } from './not-found.tsx'
import { Overview } from './overview/overview.tsx'
import { RoutesView } from './routes/routes.tsx'

/** The view for an address. */
export function View ({ location: { path, query } }: { readonly location: Location }) {
  if (path === '/') return <Overview query={query} />
  if (path === '/keys') return <Keys query={query} />
  if (path === '/keys/new') return <CreateKey />
  const id = /^\/keys\/(\d+)$/.exec(path)?.[1]
  if (id !== undefined) return <KeyView key={id} id={Number(id)} query={query} />
  if (path === '/routes') return <RoutesView query={query} />
  if (path === '/audit') return <Audit query={query} />
  return <NotFound />
}
