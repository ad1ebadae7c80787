import type pg from 'pg'
import type { ApiKey, ApiKeyStatus } from './api-key.ts'

export interface NewKey {
  /** A UUID or an email. */
  readonly user: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly description?: string | null | undefined
  /** Default: the first that the gateway admits. */
  readonly environment?: string | undefined
  /** Left out or null: never expires. */
  readonly expiresAt?: Date | null | undefined
  /** At most 16 KiB as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** `key` is the secret itself: it can't be had a second time. */
export interface KeyWithSecret {
  readonly key: string
  readonly apiKey: ApiKey
}

export interface Rotation {
  /** How long the secret of until now still works; default a day, 0: no longer, and no earlier one either. */
  readonly gracePeriodMs?: number | undefined
}

export interface KeyFilter {
  /** A UUID or an email. */
  readonly user?: string | undefined
  /** The whole prefix or its beginning. */
  readonly prefix?: string | undefined
  /** Held literally: `inventory:read` doesn't find the holders of `inventory:*`. */
  readonly scope?: string | undefined
  readonly status?: ApiKeyStatus | undefined
  /** Part of a name or of its user's email, the beginning of a prefix or of a user's id; in any case. */
  readonly search?: string | undefined
  /** Default: oldest. */
  readonly order?: 'oldest' | 'newest' | undefined
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  readonly afterId?: number | undefined
}

export interface KeyPage {
  readonly data: readonly ApiKey[]
  /** What to pass as `afterId` for the next page; null on the last one. */
  readonly nextAfterId: number | null
}

/** Lets a change be made once, however often it is asked for: in its own transaction. */
export interface Once<T> {
  /**
   * What came of it the first time, if that has ended; else null. Asked before anything else: what was right the first
   * time needn't be so any more.
   */
  earlier (client: pg.Pool | pg.ClientBase): Promise<T | null>
  /** What came of it the first time; null: this is the first. Waits for a first one that is under way. */
  begin (client: pg.ClientBase): Promise<T | null>
  end (client: pg.ClientBase, result: T): Promise<void>
}

/** Changes the key only if it still is as `versionOf` told: of one of these versions. */
export interface Condition {
  readonly versions?: readonly string[] | undefined
}
