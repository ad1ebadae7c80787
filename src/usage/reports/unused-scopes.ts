import type { Pool } from 'pg'
import { demandAllRows } from '../../database/all-rows.ts'
import { type ActiveKey, activeKeys, keysMax, pageOf } from './active-keys.ts'
import { checkAsked } from './checks.ts'
import { firstUsage } from './first-usage.ts'
import { inSnapshot } from './snapshot.ts'
import { type UsedRoute, usedRoutes } from './used-routes.ts'

/** What the configuration makes of a held set of scopes and the routes that were used with it. */
export type JudgeScopes = (held: readonly string[], routes: readonly string[]) => JudgedScopes

export interface JudgedScopes {
  /** The narrowed set: every request that was made is still admitted with it. */
  readonly needed: readonly string[]
  /** Held for nothing. */
  readonly unneeded: readonly string[]
  /** Held, and granting more than is needed of it. */
  readonly wider: readonly string[]
  /** Routes that the configuration doesn't have: what they needed can't be told. */
  readonly unknownRoutes: readonly string[]
}

export interface UnusedScopesQuery {
  /** Rounded down to a whole hour. */
  readonly since: Date
  readonly judge: JudgeScopes
  readonly keyId?: number | null
  readonly userId?: string | null
  /** Keys a page, 1 to `keysMax`. Default: 50. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly afterId?: number
  /** Of the whole report; after that it fails with ReportTimeoutError. */
  readonly timeoutMs?: number
}

/**
 * `narrow`: it holds more than it needed. `fits`: it needed all that it holds. `unused`: no request in the period.
 * `young`: it was made within the period, or usage is known for a part of it only. `unknown_routes`: it used routes
 * that the configuration doesn't have (any more, or under this name).
 */
export type ScopeVerdict = 'narrow' | 'fits' | 'unused' | 'young' | 'unknown_routes'

export interface KeyScopes extends JudgedScopes {
  readonly id: number
  readonly prefix: string
  readonly name: string
  readonly userId: string
  readonly verdict: ScopeVerdict
  readonly held: readonly string[]
  /** What to give the key instead; null unless the verdict is `narrow`. */
  readonly narrowed: readonly string[] | null
  /** Those that it used, the most used first. '': of some requests no route is known. */
  readonly routes: readonly UsedRoute[]
}

export interface UnusedScopes {
  readonly data: readonly KeyScopes[]
  readonly nextCursor: string | null
  readonly period: {
    readonly from: Date
    readonly to: Date
    /** When the first request was made of which anything is known; null: there is none. */
    readonly knownFrom: Date | null
  }
}

const hourMs = 3_600_000

/**
 * For each key in force, what it holds and, from the routes that it used, what it needs of that.
 *
 * Every request counts, however it ended, as long as the key holds what its route asks for: a 403 or a 401 may be the
 * upstream's own, and whoever was over a limit will try again. One that lacked a scope needed nothing of those held.
 * Routes are judged by the configuration as it is now.
 */
export async function unusedScopes (pool: Pool, { since, judge, keyId = null, userId = null, limit = 50, afterId = 0, timeoutMs = 10_000 }: UnusedScopesQuery): Promise<UnusedScopes> {
  checkAsked({ filter: { keyId, userId }, limit, limitMax: keysMax, unit: 'keys', afterId, since })
  await demandAllRows(pool, 'public.api_keys', 'public.api_key_usage')
  const from = new Date(Math.floor(since.getTime() / hourMs) * hourMs)
  const to = new Date(Math.ceil(Date.now() / hourMs) * hourMs)
  return await inSnapshot(pool, { timeoutMs }, async (ask) => {
    const knownFrom = await firstUsage(ask)
    const page = pageOf(await activeKeys(ask, { keyId, userId, afterId, limit: limit + 1 }), limit)
    const routes = await usedRoutes(ask, page.data.map(({ id }) => id), { from, to })
    const data = page.data.map((key) => judged(key, routes.get(key.id) ?? [], judge, isCovered(key, from, knownFrom)))
    return { data, nextCursor: page.nextCursor, period: { from, to, knownFrom } }
  })
}

function judged ({ id, prefix, name, userId, scopes: held }: ActiveKey, routes: KeyScopes['routes'], judge: JudgeScopes, isCovered: boolean): KeyScopes {
  const scopes = judge(held, routes.map(({ route }) => route))
  const verdict = verdictOf(scopes, { isUsed: routes.length > 0, isCovered })
  return { id, prefix, name, userId, verdict, held, ...scopes, narrowed: verdict === 'narrow' ? scopes.needed : null, routes }
}

/** What keeps a key from being narrowed comes first: a set that is too small breaks whoever uses the key. */
function verdictOf ({ unneeded, wider, unknownRoutes }: JudgedScopes, { isUsed, isCovered }: { isUsed: boolean, isCovered: boolean }): ScopeVerdict {
  if (unknownRoutes.length > 0) return 'unknown_routes'
  if (unneeded.length + wider.length === 0 && isUsed) return 'fits'
  if (!isCovered) return 'young'
  if (!isUsed) return 'unused'
  return 'narrow'
}

function isCovered ({ createdAt }: ActiveKey, from: Date, knownFrom: Date | null): boolean {
  return knownFrom !== null && knownFrom <= from && (createdAt === null || createdAt <= from)
}
