import { METHODS } from 'node:http'
import { modelVerdict } from '../../routes/model.ts'
import type { RouteConfig } from '../../../src/config/config.ts'

/** Which routes a request may reach, tried one by one: those of its host, or of every host, by path and then by method. */
export function modelMatch (routes: readonly RouteConfig[], method: string, host: string | undefined, path: string): string {
  const name = modelHost(host)
  const isKnown = routes.some(route => route.host !== null && (route.host === host || route.host === name))
  const reachable = routes.filter(route => route.host === null || (isKnown && (route.host === host || route.host === name)))
  const firstOfShape = new Map<string, string>()
  for (const { path } of reachable) if (!firstOfShape.has(shapeOf(path))) firstOfShape.set(shapeOf(path), path)
  const verdict = modelVerdict([...firstOfShape.values()], path)
  if (verdict === 'refused' || verdict === 'not_found') return verdict

  const alike = reachable.filter(route => shapeOf(route.path) === shapeOf(verdict))
  const own = alike.filter(route => route.host !== null)
  const deciding = own.length > 0 ? own : alike
  const serving = deciding.find(route => methodsOf(route).includes(method))
  if (serving !== undefined) return `route ${serving.id}`
  return `allow ${[...new Set(deciding.flatMap(methodsOf))].sort().join(', ')}`
}

function methodsOf ({ methods }: RouteConfig): readonly string[] {
  return methods ?? METHODS.filter(method => method !== 'CONNECT' && method !== 'TRACE')
}

function shapeOf (path: string): string {
  return path.split('/').map(segment => segment.startsWith(':') ? ':' : segment).join('/')
}

/** Without port, case and a last dot. */
function modelHost (host: string | undefined): string {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::.*)?$/s.exec((host ?? '').toLowerCase()) ?? []
  return name.replace(/\.$/, '')
}
