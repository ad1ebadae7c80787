import type pg from 'pg'
import type { KeysConfig } from '../config/config.ts'
import { type Actor, inChange } from '../database/change.ts'
import { sqlState } from '../database/sqlstate.ts'
import { type ApiKey, type ApiKeyStatus, versionOf } from './api-key.ts'
import type { BcryptPool } from './bcrypt.ts'
import type { Peppers } from './digest.ts'
import { generateKey, keyPrefixOf } from './format.ts'
import { checkedDescription, checkedExpiry, checkedGrace, checkedId, checkedMetadata, checkedName, checkedScopes, noSuchKey, prefixIn, searchIn } from './key-checks.ts'
import { type KeyChanges, ManagedKeyStore, type NewSecret } from './managed-key-store.ts'
import { KeyManagerError } from './manager-error.ts'
import type { Condition, KeyFilter, KeyPage, KeyWithSecret, NewKey, Once, Rotation } from './manager-types.ts'
import { isUserId, UserDirectory } from './user-directory.ts'
import { UserStore } from './user-store.ts'

export { type ApiKey, type ApiKeyStatus, type EarlierSecret, versionOf } from './api-key.ts'
export type { Actor } from '../database/change.ts'
export type { KeyChanges } from './managed-key-store.ts'
export { type KeyFault, KeyManagerError } from './manager-error.ts'
export type * from './manager-types.ts'

const limitMax = 1000
const graceDefaultMs = 86_400_000
const foreignKeyViolation = '23503'
const statuses: readonly string[] = ['active', 'disabled', 'revoked', 'expired'] satisfies ApiKeyStatus[]

interface Parts {
  readonly pool: pg.Pool
  readonly peppers: Peppers
  readonly bcrypt: BcryptPool
  readonly config: KeysConfig
  /** For the audit log; left out: it has the database role alone. */
  readonly actor?: Actor
}

/** Makes and changes keys, straight on the database. Rejects with KeyManagerError for what a person can mend. */
export class KeyManager {
  readonly #parts: Parts
  readonly #store: ManagedKeyStore
  readonly #users: UserDirectory

  constructor (parts: Parts) {
    this.#parts = parts
    this.#store = new ManagedKeyStore(parts.pool)
    this.#users = new UserDirectory(new UserStore(parts.pool), (message) => new KeyManagerError(message, { field: 'userId' }))
  }

  /** The same for somebody else. */
  as (actor: Actor): KeyManager {
    return new KeyManager({ ...this.#parts, actor })
  }

  /** The same over other connections. */
  over (pool: pg.Pool): KeyManager {
    return new KeyManager({ ...this.#parts, pool })
  }

  async create (fields: NewKey, once?: Once<KeyWithSecret>): Promise<KeyWithSecret> {
    const earlier = await once?.earlier(this.#parts.pool)
    if (earlier) return earlier
    const name = checkedName(fields.name)
    const description = checkedDescription(fields.description) ?? null
    const scopes = checkedScopes(fields.scopes)
    const expiresAt = checkedExpiry(fields.expiresAt) ?? null
    const metadata = checkedMetadata(fields.metadata) ?? null
    const environment = this.#checkedEnvironment(fields.environment)
    const userId = await this.#users.idFor(fields.user)
    const { key, secret } = await this.#newSecret(environment)
    const row = { userId, name, description, scopes, environment, expiresAt, metadata, ...secret }
    const insert = async (): Promise<KeyWithSecret> => await this.#onceChanged(once, async (store) => ({ key, apiKey: await store.insert(row) }))
    try {
      return await insert()
    } catch (err) {
      if (sqlState(err) !== foreignKeyViolation) throw err
      // Only now: asking first would need the right to read auth.users, which a role of least rights doesn't have.
      await this.#users.add(userId)
      return await insert()
    }
  }

  async list (filter: KeyFilter = {}): Promise<KeyPage> {
    const limit = filter.limit ?? 100
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) throw new KeyManagerError(`limit must be 1 to ${limitMax}`, { field: 'limit' })
    if (filter.status !== undefined && !statuses.includes(filter.status)) {
      throw new KeyManagerError(`status must be one of ${statuses.join(', ')}`, { field: 'status' })
    }
    for (const field of ['prefix', 'scope', 'search'] as const) {
      if (filter[field]?.includes('\0')) throw new KeyManagerError(`${field} must not hold a NUL character`, { field })
    }
    const search = searchIn(filter.search ?? '').toLowerCase()
    const rows = await this.#store.list({
      userId: filter.user === undefined ? null : await this.#users.existingIdFor(filter.user),
      prefix: filter.prefix === undefined ? null : prefixIn(filter.prefix),
      scope: filter.scope ?? null,
      status: filter.status ?? null,
      search: search === '' ? null : search,
      order: filter.order ?? 'oldest',
      afterId: filter.afterId === undefined ? null : checkedId(filter.afterId),
      limit: limit + 1,
    })
    const data = rows.slice(0, limit)
    return { data, nextAfterId: rows.length > limit ? data.at(-1)?.id ?? null : null }
  }

  /** Of users, by id, those that are known and that the role may read. */
  async emailsOf (userIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(userIds)].filter(isUserId)
    return ids.length === 0 ? new Map() : await new UserStore(this.#parts.pool).emailsOf(ids)
  }

  /** By id, or by prefix where that names one key only. */
  async show (idOrPrefix: number | string): Promise<ApiKey> {
    const text = String(idOrPrefix).trim()
    if (/^\d{1,15}$/.test(text)) {
      const found = await this.#store.find(Number(text))
      if (found !== null || typeof idOrPrefix === 'number') return found ?? noSuchKey(text)
    }
    const prefix = prefixIn(text)
    if (prefix === '') throw new KeyManagerError('Name a key by its id or its prefix')
    const { data: rows } = await this.list({ prefix, limit: 11 })
    const exact = rows.filter((row) => row.prefix.replace(/\.+$/, '') === prefix)
    const candidates = exact.length > 0 ? exact : rows
    if (candidates[0] === undefined) return noSuchKey(prefix)
    if (candidates.length > 1) {
      throw new KeyManagerError(`More than one key has the prefix ${prefix}: name it by its id, one of ${candidates.slice(0, 10).map((row) => row.id).join(', ')}`)
    }
    return candidates[0]
  }

  /** What is left out stays as it is. */
  async update (id: number, changes: KeyChanges, condition?: Condition): Promise<ApiKey> {
    const checked = {
      name: changes.name === undefined ? undefined : checkedName(changes.name),
      description: checkedDescription(changes.description),
      scopes: changes.scopes === undefined ? undefined : checkedScopes(changes.scopes),
      expiresAt: checkedExpiry(changes.expiresAt),
      metadata: checkedMetadata(changes.metadata),
    }
    return await this.#changed(id, condition, async (store) => await store.update(id, checked))
  }

  async disable (id: number): Promise<ApiKey> {
    return await this.#changed(id, undefined, async (store) => await store.disable(id))
  }

  /** A revoked key stays revoked: that is an error here. */
  async enable (id: number): Promise<ApiKey> {
    return await this.#changed(id, undefined, async (store, key) => key.revokedAt === null ? await store.enable(id) : isRevoked(key))
  }

  /** Once and for all; revoking again changes nothing. */
  async revoke (id: number): Promise<ApiKey> {
    return await this.#changed(id, undefined, async (store) => await store.revoke(id))
  }

  /** The key's usage rows go with it. */
  async delete (id: number, condition?: Condition): Promise<void> {
    await this.#changed(id, condition, async (store, key) => await store.delete(id) ? key : null)
  }

  /**
   * A new secret for the same key: id, history, scopes and state stay. The secret of until now works until its grace
   * ends, and never past the key's own expiry.
   */
  async rotate (id: number, { gracePeriodMs = graceDefaultMs }: Rotation = {}, once?: Once<KeyWithSecret>): Promise<KeyWithSecret> {
    const earlier = await once?.earlier(this.#parts.pool)
    if (earlier) return earlier
    const graceMs = checkedGrace(gracePeriodMs)
    const { environment } = await this.show(id)
    const { key, secret } = await this.#newSecret(isEnvironment(environment) ? environment : this.#checkedEnvironment(undefined))
    return await this.#onceChanged(once, async (store) => {
      const locked = await store.lock(checkedId(id)) ?? noSuchKey(id)
      if (locked.revokedAt !== null) isRevoked(locked)
      if (locked.expiresAt !== null && locked.expiresAt.getTime() <= Date.now()) {
        throw new KeyManagerError(`Key ${id} has expired, and its new secret would have as well: give it a later expiry first`, { fault: 'expired' })
      }
      if (graceMs === 0) await store.endGrace(id, null)
      await store.forgetEarlierSecrets()
      return { key, apiKey: await store.replaceSecret(id, secret, graceMs) ?? noSuchKey(id) }
    })
  }

  /** Earlier secrets work no longer: the one named, or all that the key has. Where none does, nothing changes. */
  async endGrace (id: number, earlierSecretId: number | null = null): Promise<ApiKey> {
    return await this.#changed(id, undefined, async (store) => {
      await store.endGrace(id, earlierSecretId)
      return await store.find(id)
    })
  }

  async #changed (id: number, condition: Condition | undefined, change: (store: ManagedKeyStore, key: ApiKey) => Promise<ApiKey | null>): Promise<ApiKey> {
    return await this.#inChange(async (store) => {
      const key = await store.lock(checkedId(id)) ?? noSuchKey(id)
      if (condition?.versions !== undefined && !condition.versions.includes(versionOf(key))) {
        throw new KeyManagerError(`Key ${id} has been changed meanwhile: read it again`, { fault: 'changed' })
      }
      return await change(store, key) ?? noSuchKey(id)
    })
  }

  async #onceChanged (once: Once<KeyWithSecret> | undefined, change: (store: ManagedKeyStore) => Promise<KeyWithSecret>): Promise<KeyWithSecret> {
    return await this.#inChange(async (store, client) => {
      const earlier = await once?.begin(client)
      if (earlier) return earlier
      const result = await change(store)
      await once?.end(client, result)
      return result
    })
  }

  async #inChange<T> (work: (store: ManagedKeyStore, client: pg.PoolClient) => Promise<T>): Promise<T> {
    const { pool, actor = null } = this.#parts
    return await inChange(pool, actor, async (client) => await work(new ManagedKeyStore(client), client))
  }

  async #newSecret (environment: string): Promise<{ key: string, secret: NewSecret }> {
    const { config, bcrypt, peppers } = this.#parts
    const key = generateKey({ brand: config.brand, environment })
    const lookup = peppers.lookupOf(key)[0]
    const secret = {
      keyHash: await bcrypt.hash(key, config.bcryptCost),
      prefix: keyPrefixOf(key),
      digest: lookup?.digest ?? null,
      pepperId: lookup?.pepperId ?? null,
    }
    return { key, secret }
  }

  #checkedEnvironment (environment: string | undefined): string {
    const admitted = this.#parts.config.environments
    const chosen = environment ?? admitted[0]
    if (chosen === undefined || !admitted.includes(chosen)) {
      throw new KeyManagerError(`environment must be one that the configuration admits: ${admitted.join(', ')}`, { field: 'environment' })
    }
    return chosen
  }
}

/** Of a hand-made row, it may be anything. */
function isEnvironment (environment: string | null): environment is string {
  return environment !== null && /^[a-z0-9]{1,13}$/.test(environment)
}

function isRevoked ({ id }: ApiKey): never {
  throw new KeyManagerError(`Key ${id} was revoked, which is for good: make a new one`, { fault: 'revoked' })
}
