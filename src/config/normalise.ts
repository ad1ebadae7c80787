import type { Config, RouteConfig, ScopeRule, UpstreamConfig } from './config.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigDocument } from './schema.ts'
import { parseDuration, parseSize } from './units.ts'

/** A section with the defaults that the schema has filled in. */
type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> }

/** A checked file as the product sees it. */
export function normalise (file: ConfigDocument, overrides: ConfigOverrides): Config {
  const gateway = filled(file.gateway)
  const failureBudget = filled(gateway.failureBudget)
  const admin = filled(file.admin)
  const keys = filled(file.keys)
  const cache = filled(keys.cache)
  const usage = filled(file.usage)
  const bodyBytesMax = bytes(gateway.bodyBytesMax)
  return deepFreeze({
    gateway: {
      host: overrides.host ?? gateway.host,
      port: overrides.port ?? gateway.port,
      workers: gateway.workers,
      trustProxy: [...gateway.trustProxy],
      bodyBytesMax,
      headersTimeoutMs: ms(gateway.headersTimeout),
      bodyTimeoutMs: ms(gateway.bodyTimeout),
      sendTimeoutMs: ms(gateway.sendTimeout),
      keepAliveTimeoutMs: ms(gateway.keepAliveTimeout),
      connectionsMax: gateway.connectionsMax,
      connectionsPerAddressMax: gateway.connectionsPerAddressMax,
      failureBudget: { failures: failureBudget.failures, perMs: ms(failureBudget.per) },
      eventLoopDelayMaxMs: ms(gateway.eventLoopDelayMax),
      engine: gateway.engine,
    },
    admin: { host: overrides.adminHost ?? admin.host, port: overrides.adminPort ?? admin.port, protectMetrics: admin.protectMetrics },
    keys: {
      header: keys.header.toLowerCase(),
      brand: keys.brand,
      environments: [...keys.environments],
      checksum: keys.checksum,
      bcryptCost: keys.bcryptCost,
      cache: {
        entriesMax: cache.entriesMax,
        ttlMs: ms(cache.ttl),
        negativeEntriesMax: cache.negativeEntriesMax,
        negativeTtlMs: ms(cache.negativeTtl),
      },
      serveCachedForMs: ms(filled(keys.whenStoreIsDown).serveCachedFor),
    },
    usage: {
      store: usage.store,
      flushEveryMs: ms(usage.flushEvery),
      flushRows: usage.flushRows,
      spool: usage.spool,
      spoolBytesMax: bytes(usage.spoolBytesMax),
      whenSpoolIsFull: usage.whenSpoolIsFull,
      fsync: usage.fsync,
      retentionMs: file.usage?.retention === undefined ? null : ms(file.usage.retention),
      privacy: { addresses: usage.addresses, userAgents: usage.userAgents, paths: usage.paths },
    },
    upstreams: Object.entries(file.upstreams).map(([name, upstream]) => upstreamConfig(name, upstream)),
    routes: file.routes.map((route) => routeConfig(route, bodyBytesMax)),
  })
}

function upstreamConfig (name: string, file: ConfigDocument['upstreams'][string]): UpstreamConfig {
  const upstream = filled(file)
  return {
    name,
    targets: upstream.targets.map((target) => new URL(target).origin),
    connectTimeoutMs: ms(upstream.connectTimeout),
    headersTimeoutMs: ms(upstream.headersTimeout),
    bodyTimeoutMs: ms(upstream.bodyTimeout),
    retries: upstream.retries,
  }
}

function routeConfig (route: ConfigDocument['routes'][number], bodyBytesMax: number): RouteConfig {
  return {
    id: route.id,
    path: route.path,
    methods: route.methods === undefined ? null : [...route.methods],
    host: route.host?.toLowerCase() ?? null,
    upstream: route.upstream,
    stripPrefix: route.stripPrefix ?? null,
    preserveHost: filled(route).preserveHost,
    scopes: scopeRule(route.scopes ?? []),
    auth: filled(route).auth,
    bodyBytesMax: route.bodyBytesMax === undefined ? bodyBytesMax : bytes(route.bodyBytesMax),
  }
}

function scopeRule (scopes: string[] | { allOf?: string[], anyOf?: string[] }): ScopeRule {
  return Array.isArray(scopes)
    ? { allOf: [...scopes], anyOf: [] }
    : { allOf: [...scopes.allOf ?? []], anyOf: [...scopes.anyOf ?? []] }
}

function filled<T> (section: T | undefined): Filled<T> {
  return section as Filled<T>
}

function ms (text: string): number {
  return checked(parseDuration(text), text)
}

function bytes (text: string): number {
  return checked(parseSize(text), text)
}

function checked (value: number | null, text: string): number {
  if (value === null) throw new Error(`unchecked value ${text}`)
  return value
}

function deepFreeze<T extends object> (value: T): T {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) deepFreeze(child)
  return Object.freeze(value)
}
