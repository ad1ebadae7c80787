import type { Config, RouteConfig } from '../../../config/config.ts'
import type { KeyManager } from '../../../keys/manager.ts'
import { explain } from '../../../routes/explain.ts'
import { judgeKeyState } from '../../../routes/key-state-verdict.ts'
import { RouteTable } from '../../../routes/route-table.ts'
import type { Handlers } from '../call.ts'
import { shownKey } from '../shown-keys.ts'

export interface GatewayParts {
  readonly manager: KeyManager
  /** With the routes and upstreams in force. */
  readonly config: () => Config
  readonly gatewayUrl: () => string
  readonly isReady: () => boolean
  readonly version: string
}

/** What the gateway is and does. */
export function gatewayHandlers ({ manager, config, gatewayUrl, isReady, version }: GatewayParts): Pick<Handlers, 'getToken' | 'getGateway' | 'listRoutes' | 'explain'> {
  return {
    getToken: async ({ caller: { name, rights } }) => ({ body: { name, rights } }),
    async getGateway () {
      const { keys, usage } = config()
      return { body: { version, gatewayUrl: gatewayUrl(), keyHeader: keys.header, brand: keys.brand, environments: keys.environments, usageStore: usage.store, isReady: isReady() } }
    },
    async listRoutes () {
      const { routes, upstreams } = config()
      const targets = new Map(upstreams.map(upstream => [upstream.name, upstream.targets]))
      const data = routes.map(({ id, path, methods, host, upstream, auth, scopes }) => ({ id, path, methods, host, upstream, targets: targets.get(upstream) ?? [], auth, scopes }))
      return { body: { data, scopes: scopesOf(routes) } }
    },
    async explain ({ body: { method, path, host, scopes, keyId } }) {
      const { routes, keys } = config()
      const key = keyId === undefined ? null : await manager.show(keyId)
      const verdict = explain(new RouteTable(routes), { method: method.toUpperCase(), path, host, scopes: key?.scopes ?? scopes ?? null })
      return { body: { ...key === null ? verdict : judgeKeyState(verdict, key, keys.environments), key: key === null ? null : await shownKey(manager, key) } }
    },
  }
}

/** In alphabetical order, each with the routes that name it. */
function scopesOf (routes: readonly RouteConfig[]): { scope: string, routes: string[] }[] {
  const found = new Map<string, string[]>()
  for (const { id, scopes } of routes) {
    for (const scope of new Set([...scopes.allOf, ...scopes.anyOf])) found.set(scope, [...found.get(scope) ?? [], id])
  }
  return [...found].map(([scope, ids]) => ({ scope, routes: ids })).sort((one, other) => one.scope < other.scope ? -1 : 1)
}
