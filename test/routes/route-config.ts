import type { RouteConfig } from '../../src/config/config.ts'

/** A route with what a test says about it and plain values for the rest. */
export function routeConfig (settings: Partial<RouteConfig> & { id: string, path: string }): RouteConfig {
  return {
    methods: null,
    host: null,
    upstream: 'sample',
    stripPrefix: null,
    preserveHost: false,
    scopes: { allOf: [], anyOf: [] },
    auth: 'key',
    bodyBytesMax: 1024,
    ...settings,
  }
}
