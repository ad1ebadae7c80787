import type { Pool } from 'pg'
import { demandAllRows } from '../../database/all-rows.ts'
import { type ActiveKey, activeKeys, keysMax, pageOf } from './active-keys.ts'
import { checkAsked } from './checks.ts'
import { firstUsage } from './first-usage.ts'
import { inSnapshot } from './snapshot.ts'

export interface IdleKeysQuery {
  /** Keys that weren't used since. */
  readonly since: Date
  readonly userId?: string | null
  /** Keys a page, 1 to `keysMax`. Default: 50. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly afterId?: number
  /** Of the whole report; after that it fails with ReportTimeoutError. */
  readonly timeoutMs?: number
}

export interface IdleKeys {
  readonly data: readonly ActiveKey[]
  readonly nextCursor: string | null
  readonly period: {
    readonly from: Date
    readonly to: Date
    /** When the first request was made of which anything is known; null: there is none. */
    readonly knownFrom: Date | null
    /** Whether usage is known for all of it; if not, keys without a recorded use are left out. */
    readonly isKnown: boolean
  }
}

/**
 * Keys in force that nobody has used since: no request came with them, not even one that was refused. As exact as
 * `last_used_at`, which is written with the usage rows, at most once a minute. That it was never written says nothing of
 * the time before usage was recorded: a key that was in use then isn't idle. Errors: UsageError for a query that makes no sense.
 */
export async function idleKeys (pool: Pool, { since, userId = null, limit = 50, afterId = 0, timeoutMs = 10_000 }: IdleKeysQuery): Promise<IdleKeys> {
  checkAsked({ filter: { userId }, limit, limitMax: keysMax, unit: 'keys', afterId, since })
  await demandAllRows(pool, 'public.api_keys', 'public.api_key_usage')
  const to = new Date()
  return await inSnapshot(pool, { timeoutMs }, async (ask) => {
    const knownFrom = await firstUsage(ask)
    const isKnown = knownFrom !== null && knownFrom <= since
    const page = pageOf(await activeKeys(ask, { userId, idleSince: since, isUseKnown: !isKnown, afterId, limit: limit + 1 }), limit)
    return { ...page, period: { from: since, to, knownFrom, isKnown } }
  })
}
