import type { Pool } from 'pg'
import { demandAllRows } from '../../database/all-rows.ts'
import { type ActiveKey, activeKeys, pageOf } from './active-keys.ts'

export interface IdleKeysQuery {
  /** Keys that weren't used since. */
  readonly since: Date
  readonly userId?: string | null
  /** Keys a page. Default: 50. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly afterId?: number
  readonly timeoutMs?: number
}

export interface IdleKeys {
  readonly data: readonly ActiveKey[]
  readonly nextCursor: string | null
}

/**
 * Keys in force that nobody has used since: no request came with them, not even one that was refused. As exact as
 * `last_used_at`, which is written with the usage rows, at most once a minute.
 */
export async function idleKeys (pool: Pool, { since, userId = null, limit = 50, afterId = 0, timeoutMs = 10_000 }: IdleKeysQuery): Promise<IdleKeys> {
  await demandAllRows(pool, 'public.api_keys')
  return pageOf(await activeKeys(pool, { userId, idleSince: since, afterId, limit: limit + 1, timeoutMs }), limit)
}
