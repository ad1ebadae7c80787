import type { RouteConfig } from '../config/config.ts'
import { HostTable } from './host-table.ts'
import type { Match } from './match.ts'

export type { Match } from './match.ts'

/** The routes of a configuration, compiled. Swapped whole when the configuration changes. */
export class RouteTable {
  readonly routes: readonly RouteConfig[]
  /** For requests that name no host, or one without routes of its own. */
  readonly #anyHost: HostTable
  readonly #byHost = new Map<string, HostTable>()

  /** Takes routes as the configuration's checks leave them; throws an Error where two serve one method and path. */
  constructor (routes: readonly RouteConfig[]) {
    this.routes = routes
    this.#anyHost = new HostTable(routes.filter(({ host }) => host === null))
    for (const host of new Set(routes.map((route) => route.host))) {
      if (host !== null) this.#byHost.set(host, new HostTable(routes.filter((route) => route.host === null || route.host === host)))
    }
  }

  /** `host` is the Host header as it came; `path` the raw request path, without the query. Allocates nothing for plain paths. */
  match (method: string, host: string | undefined, path: string): Match {
    return this.#tableOf(host).match(method, path)
  }

  #tableOf (host: string | undefined): HostTable {
    if (this.#byHost.size === 0 || host === undefined) return this.#anyHost
    return this.#byHost.get(host) ?? this.#byHost.get(plainHost(host)) ?? this.#anyHost
  }
}

/** Lower case, without port and without the dot of a fully qualified name. */
function plainHost (header: string): string {
  const host = header.toLowerCase()
  const portStart = host.indexOf(':', host.startsWith('[') ? host.indexOf(']') : 0)
  const name = portStart === -1 ? host : host.slice(0, portStart)
  return name.endsWith('.') ? name.slice(0, -1) : name
}
