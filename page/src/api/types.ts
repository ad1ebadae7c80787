// The admin API's shapes, as far as the page reads them. All times are ISO 8601, UTC.

export type KeyStatus = 'active' | 'disabled' | 'revoked' | 'expired'

export interface EarlierSecret {
  readonly id: number
  readonly prefix: string
  readonly rotatedAt: string
  readonly expiresAt: string
  readonly lastUsedAt: string | null
  readonly lastUserAgent: string | null
}

export interface ApiKey {
  readonly id: number
  readonly userId: string
  /** null: none, or not for the gateway to read. */
  readonly userEmail: string | null
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly status: KeyStatus
  readonly metadata: Readonly<Record<string, unknown>>
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly createdAt: string | null
  readonly revokedAt: string | null
  readonly earlierSecrets: readonly EarlierSecret[]
}

/** The one answer that holds a secret. */
export interface NewSecret {
  readonly key: string
  readonly apiKey: ApiKey
}

export interface NewKey {
  readonly userId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly description?: string
  readonly environment?: string
  readonly expiresAt?: string
  readonly expiresIn?: string
}

export interface KeyChanges {
  readonly name?: string
  readonly description?: string | null
  readonly scopes?: readonly string[]
  readonly expiresAt?: string | null
  readonly metadata?: Readonly<Record<string, unknown>>
}

export interface Page<T> {
  readonly data: readonly T[]
  readonly nextCursor: string | null
}

export interface Token {
  readonly name: string
  readonly rights: 'read' | 'write'
}

export interface Gateway {
  readonly version: string
  readonly gatewayUrl: string
  readonly keyHeader: string
  readonly brand: string
  readonly environments: readonly string[]
  readonly usageStore: 'postgres' | 'none'
  readonly isReady: boolean
}

export interface Numbers {
  readonly requests: number
  readonly errors: number
  readonly serverErrors: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly latencyMs: { readonly average: number, readonly p50: number, readonly p95: number, readonly p99: number } | null
}

export type Bucket = Numbers & { readonly start: string }

export interface Usage {
  readonly from: string
  readonly to: string
  readonly bucket: 'hour' | 'day'
  readonly data: readonly Bucket[]
  readonly totals: Numbers
}

export interface UsageSummary extends Usage {
  readonly keys: readonly (Numbers & { readonly key: number, readonly prefix: string | null, readonly name: string | null })[]
  readonly routes: readonly (Numbers & { readonly route: string })[]
  readonly errors: readonly {
    readonly key: number
    readonly prefix: string | null
    readonly name: string | null
    readonly route: string
    readonly status: number
    readonly requests: number
    readonly lastHour: string
  }[]
  readonly refusals: readonly { readonly reason: string, readonly requests: number }[]
}

export interface ScopeRule {
  readonly allOf: readonly string[]
  readonly anyOf: readonly string[]
}

export type AuthMode = 'key' | 'none' | 'report'

export interface Route {
  readonly id: string
  readonly path: string
  readonly methods: readonly string[] | null
  readonly host: string | null
  readonly upstream: string
  readonly targets: readonly string[]
  readonly auth: AuthMode
  readonly scopes: ScopeRule
}

export interface Routes {
  readonly data: readonly Route[]
  readonly scopes: readonly { readonly scope: string, readonly routes: readonly string[] }[]
}

export interface Question {
  readonly method: string
  readonly path: string
  readonly host?: string
  readonly scopes?: readonly string[] | null
  readonly keyId?: number
}

export interface Verdict {
  readonly status: number | null
  readonly code: string | null
  readonly reason: string
  readonly allow: string | null
  readonly routeId: string | null
  readonly auth: AuthMode | null
  readonly requiredScopes: ScopeRule | null
  readonly upstream: string | null
  readonly forwardedPath: string | null
  readonly reportedCode: string | null
  readonly key: ApiKey | null
}

export interface AuditEntry {
  readonly id: string
  readonly at: string
  readonly action: string
  readonly keyId: number | null
  readonly keyPrefix: string | null
  readonly keyName: string | null
  readonly actor: { readonly kind: 'token' | 'command' | 'database', readonly name: string }
  readonly databaseRole: string
  readonly address: string | null
  readonly requestId: string | null
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
}
