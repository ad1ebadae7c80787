import type pg from 'pg'
import { parseDuration } from '../../../config/units.ts'
import { demandAllRows } from '../../../database/all-rows.ts'
import { type ApiKey, type Condition, type KeyManager, type KeyWithSecret, versionOf } from '../../../keys/manager.ts'
import type { Answer, CallContext, Handlers } from '../call.ts'
import { faultyRequest } from '../failure.ts'
import { OnceByKey } from '../idempotency.ts'
import { shownKey, shownKeys } from '../shown-keys.ts'

const lifetimeMsMax = 36_525 * 86_400_000
const gracePeriodDefault = '24h'

type KeyHandlers = Pick<Handlers, 'createKey' | 'listKeys' | 'getKey' | 'updateKey' | 'deleteKey' | 'disableKey' | 'enableKey' | 'revokeKey' | 'rotateKey' | 'endGrace'>

export interface KeyParts {
  readonly manager: KeyManager
  /** For listings. */
  readonly reportsPool: pg.Pool
}

/** Keys, made and changed in the caller's name. */
export function keyHandlers ({ manager, reportsPool }: KeyParts): KeyHandlers {
  const listing = manager.over(reportsPool)
  return {
    async createKey (call) {
      const { userId, expiresAt, expiresIn, ...fields } = call.body
      const made = await of(call).create({ ...fields, user: userId, expiresAt: expiryOf({ expiresAt, expiresIn }) }, onceFor(call, 'create', call.body))
      return { ...await withSecret(made), headers: { location: `/v1/keys/${made.apiKey.id}`, etag: eTag(made.apiKey) } }
    },
    async listKeys ({ query: { userId, cursor, ...filter } }) {
      await demandAllRows(reportsPool, 'public.api_keys')
      const { data, nextAfterId } = await listing.list({ ...filter, user: userId, order: 'newest', limit: filter.limit ?? 50, afterId: cursor === undefined ? undefined : Number(cursor) })
      return { body: { data: await shownKeys(listing, data), nextCursor: nextAfterId === null ? null : String(nextAfterId) } }
    },
    getKey: async ({ params }) => await one(await manager.show(params.id)),
    async updateKey (call) {
      const { expiresAt, expiresIn, ...changes } = call.body
      return await one(await of(call).update(call.params.id, { ...changes, expiresAt: expiryOf({ expiresAt, expiresIn }) }, conditionOf(call)))
    },
    async deleteKey (call) {
      await of(call).delete(call.params.id, conditionOf(call))
      return {}
    },
    disableKey: async call => await one(await of(call).disable(call.params.id)),
    enableKey: async call => await one(await of(call).enable(call.params.id)),
    revokeKey: async call => await one(await of(call).revoke(call.params.id)),
    async rotateKey (call) {
      const gracePeriodMs = parseDuration(call.body?.gracePeriod ?? gracePeriodDefault)!
      return await withSecret(await of(call).rotate(call.params.id, { gracePeriodMs }, onceFor(call, 'rotate', call.params.id, gracePeriodMs)))
    },
    endGrace: async call => await one(await of(call).endGrace(call.params.id, call.body?.earlierSecretId ?? null)),
  }

  async function one (key: ApiKey): Promise<Answer> {
    return { body: await shownKey(manager, key), headers: { etag: eTag(key) } }
  }

  async function withSecret ({ key, apiKey }: KeyWithSecret): Promise<Answer> {
    return { body: { key, apiKey: await shownKey(manager, apiKey) }, headers: { etag: eTag(apiKey) } }
  }

  function of ({ caller, requestId }: CallContext): KeyManager {
    return manager.as({ kind: 'token', name: caller.name, address: caller.address, requestId })
  }
}

function eTag (key: ApiKey): string {
  return `"${versionOf(key)}"`
}

/** Several may be listed, as RFC 9110 has it. A weak one matches nothing here, and neither does what is no ETag. */
function conditionOf ({ headers }: { readonly headers: { readonly 'if-match'?: string } }): Condition {
  const listed = headers['if-match']?.trim()
  if (listed === undefined || listed === '*') return {}
  return { versions: [...listed.matchAll(/(W\/)?"([^"]*)"/g)].filter(([, weak]) => weak === undefined).map(([, , version]) => version!) }
}

interface OnceAsked extends CallContext {
  readonly headers: { readonly 'idempotency-key'?: string }
}

/** `request`: all that tells it from another. */
function onceFor ({ headers, token }: OnceAsked, ...request: unknown[]): OnceByKey | undefined {
  const name = headers['idempotency-key']
  return name === undefined ? undefined : new OnceByKey({ token, name, request: JSON.stringify(request, inOrder) })
}

/** Of an object, the members in one order: that of JSON says nothing. */
function inOrder (_name: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1)) : value
}

/** Undefined: nothing was said of it. */
function expiryOf ({ expiresAt, expiresIn }: { readonly expiresAt?: string | null | undefined, readonly expiresIn?: string | undefined }): Date | null | undefined {
  if (expiresIn === undefined) return typeof expiresAt === 'string' ? new Date(expiresAt) : expiresAt
  if (expiresAt !== undefined) throw faultyRequest([{ field: 'expiresIn', detail: 'stands beside expiresAt: give one of them' }])
  const ms = parseDuration(expiresIn)
  if (ms === null || ms === 0 || ms > lifetimeMsMax) throw faultyRequest([{ field: 'expiresIn', detail: 'must be more than nothing and at most a hundred years' }])
  return new Date(Date.now() + ms)
}
