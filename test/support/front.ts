import type { Test } from 'tap'
import type { Environment } from '../../src/config/environment.ts'
import type { EngineName } from './engine.ts'
import { type TestGateway, startGateway } from './gateway.ts'

export interface Front {
  readonly gateway: TestGateway
  readonly url: string
  /** A key that every route of this gateway takes. */
  readonly key: string
  readonly keyId: number
  /** The key's header. */
  readonly headers: { readonly 'x-api-key': string }
}

export interface FrontOptions {
  /** Further settings of the one route `all` (`/*`), in YAML's flow style: `stripPrefix: /a, bodyBytesMax: 1KiB`. */
  readonly route?: string
  /** Further settings of the upstream, the same way. */
  readonly upstream?: string
  /** Further routes, each in flow style. */
  readonly routes?: readonly string[]
  /** Further sections of the file. */
  readonly sections?: string
  readonly engine?: EngineName
  readonly databaseUrl?: string
  readonly database?: TestGateway['database']
  readonly environment?: Partial<Environment>
  /** False: returns as soon as the gateway is live. */
  readonly awaitsReady?: boolean
}

/** A gateway whose route `all` leads everything to the targets, and a key for it. */
export async function startFront (t: Test, targets: string | readonly string[], options: FrontOptions = {}): Promise<Front> {
  const gateway = await startGateway(t, {
    config: frontConfig(targets, options),
    engine: options.engine,
    databaseUrl: options.databaseUrl,
    database: options.database,
    environment: options.environment ?? {},
    awaitsReady: options.awaitsReady ?? true,
  })
  const { key, apiKey } = await gateway.createKey({ scopes: ['all:use'] })
  return { gateway, url: gateway.url, key, keyId: apiKey.id, headers: { 'x-api-key': key } }
}

export function frontConfig (targets: string | readonly string[], { route, upstream, routes = [], sections = '' }: FrontOptions = {}): string {
  const inFlow = (settings: string | undefined) => settings === undefined ? '' : `, ${settings}`
  return `${sections}
upstreams:
  target: { targets: ${JSON.stringify([targets].flat())}${inFlow(upstream)} }
routes:
  - { id: all, path: '/*', upstream: target, scopes: ['all:use']${inFlow(route)} }
${routes.map(settings => `  - { upstream: target, ${settings} }\n`).join('')}`
}
