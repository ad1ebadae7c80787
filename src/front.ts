import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Config, ListenerConfig } from './config/config.ts'
import type { Environment } from './config/environment.ts'
import type { BcryptPool } from './keys/bcrypt.ts'
import type { FailureBudget } from './limits/failure-budget.ts'

/** What serves the clients: this process alone, or several workers. */
export interface Front {
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>
  listen (at: ListenerConfig): Promise<void>
  /** Of the open listener. */
  address (): AddressInfo | string | null
  hasReachedStore (): boolean
  /** To be called once, when the schema is complete. Resolves when the key store was reached, or at the end. */
  reachStore (onReached: () => void): Promise<void>
  /** Routes and upstreams of another configuration from now on. Throws where that isn't possible, and changes nothing. */
  replaceRoutes (config: Config): void
  /** Ends what serves: stops accepting, waits for requests under way, flushes usage. */
  drain (): Promise<void>
  /** Closes what is below. */
  close (): Promise<void>
}

export interface FrontOptions {
  readonly config: Config
  readonly workers: number
  readonly database: { readonly url: string, readonly directUrl: string, readonly peppers: readonly Buffer[] }
  readonly bcrypt: BcryptPool
  readonly failures: FailureBudget
  /** Whether the gateway wants traffic. */
  readonly isReady: () => boolean
  readonly isConfigCurrent: () => boolean
  readonly environment: Environment
  /** Of the product. */
  readonly version: string
  readonly logger: Logger
}
