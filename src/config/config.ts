/**
 * The configuration as the rest of the product sees it: every default filled in, durations in milliseconds,
 * sizes in bytes, deeply frozen. load.ts makes it out of a file; nothing else does.
 */
export interface Config {
  readonly gateway: GatewayConfig
  readonly admin: AdminConfig
  readonly keys: KeysConfig
  readonly usage: UsageConfig
  readonly upstreams: readonly UpstreamConfig[]
  readonly routes: readonly RouteConfig[]
}

export interface ListenerConfig {
  readonly host: string
  /** 0 lets the system pick. */
  readonly port: number
}

export interface AdminConfig extends ListenerConfig {
  /** Whether /metrics needs a token. */
  readonly protectMetrics: boolean
}

export interface GatewayConfig extends ListenerConfig {
  /** Processes that serve requests; auto: one for each core. */
  readonly workers: number | 'auto'
  /** Addresses and CIDRs, IPv4 or IPv6. */
  readonly trustProxy: readonly string[]
  readonly bodyBytesMax: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly failureBudget: { readonly failures: number, readonly perMs: number }
  readonly eventLoopDelayMaxMs: number
  readonly engine: 'direct' | 'http-proxy'
}

export interface KeysConfig {
  /** Lower case. */
  readonly header: string
  readonly brand: string
  readonly environments: readonly string[]
  readonly checksum: 'required' | 'optional'
  readonly bcryptCost: number
  readonly cache: {
    readonly entriesMax: number
    readonly ttlMs: number
    readonly negativeEntriesMax: number
    readonly negativeTtlMs: number
  }
  /** How long beyond its TTL a cached key still counts while the key store can't be reached. */
  readonly serveCachedForMs: number
}

export interface UsageConfig {
  /** none: nothing is recorded. */
  readonly store: 'postgres' | 'none'
  readonly flushEveryMs: number
  readonly flushRows: number
  readonly spool: boolean
  /** Of all workers together. */
  readonly spoolBytesMax: number
  readonly whenSpoolIsFull: 'dropNewest' | 'dropOldest'
  readonly fsync: 'never' | 'flush' | 'always'
  /** null: rows are kept for ever. */
  readonly retentionMs: number | null
  readonly privacy: UsagePrivacy
}

/** What of a client gets into its usage rows. */
export interface UsagePrivacy {
  readonly addresses: 'kept' | 'truncated' | 'dropped'
  readonly userAgents: 'kept' | 'shortened' | 'dropped'
  readonly paths: 'asSent' | 'routePattern'
}

export interface UpstreamConfig {
  readonly name: string
  /** Origins (`http://host:port`), without path or trailing slash; at least one. */
  readonly targets: readonly string[]
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  /** Further tries of an idempotent request without a body. */
  readonly retries: number
}

export type AuthMode = 'key' | 'none' | 'report'

/** A key passes when it holds all of `allOf` and, unless `anyOf` is empty, at least one of `anyOf`. */
export interface ScopeRule {
  readonly allOf: readonly string[]
  readonly anyOf: readonly string[]
}

export interface RouteConfig {
  readonly id: string
  /** find-my-way's syntax: static, `:param`, trailing `*`. */
  readonly path: string
  /** Upper case; null: every method. */
  readonly methods: readonly string[] | null
  /** Lower case, without port; null: every host. */
  readonly host: string | null
  /** Name of an entry in `upstreams`. */
  readonly upstream: string
  readonly stripPrefix: string | null
  readonly preserveHost: boolean
  readonly scopes: ScopeRule
  readonly auth: AuthMode
  readonly bodyBytesMax: number
}
