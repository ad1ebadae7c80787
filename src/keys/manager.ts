import type pg from 'pg'
import type { KeysConfig } from '../config/config.ts'
import { sqlState } from '../database/sqlstate.ts'
import { UsageError } from '../errors.ts'
import type { BcryptPool } from './bcrypt.ts'
import type { Peppers } from './digest.ts'
import { generateKey, keyPrefixOf } from './format.ts'
import { type ApiKey, type ApiKeyStatus, type KeyChanges, ManagedKeyStore } from './managed-key-store.ts'
import { isGrantableScope } from './scope-names.ts'
import { UserDirectory } from './user-directory.ts'
import { UserStore } from './user-store.ts'

export type { ApiKey, ApiKeyStatus, KeyChanges } from './managed-key-store.ts'

/** What a person can mend: a wrong user, scope, date or id. The message says how. */
export class KeyManagerError extends UsageError {}

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
}

export interface KeyFilter {
  /** A UUID or an email. */
  readonly user?: string | undefined
  /** The whole prefix or its beginning. */
  readonly prefix?: string | undefined
  /** Held literally: `inventory:read` doesn't find the holders of `inventory:*`. */
  readonly scope?: string | undefined
  readonly status?: ApiKeyStatus | undefined
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  readonly afterId?: number | undefined
}

export interface KeyPage {
  readonly data: readonly ApiKey[]
  /** What to pass as `afterId` for the next page; null on the last one. */
  readonly nextAfterId: number | null
}

const limitMax = 1000
const foreignKeyViolation = '23503'
const statuses: readonly string[] = ['active', 'disabled', 'revoked', 'expired'] satisfies ApiKeyStatus[]

/** Makes and changes keys, straight on the database. Rejects with KeyManagerError for what a person can mend. */
export class KeyManager {
  readonly #store: ManagedKeyStore
  readonly #users: UserDirectory
  readonly #peppers: Peppers
  readonly #bcrypt: BcryptPool
  readonly #config: KeysConfig

  constructor ({ pool, peppers, bcrypt, config }: {
    readonly pool: pg.Pool
    readonly peppers: Peppers
    readonly bcrypt: BcryptPool
    readonly config: KeysConfig
  }) {
    this.#store = new ManagedKeyStore(pool)
    this.#users = new UserDirectory(new UserStore(pool), (message) => new KeyManagerError(message))
    this.#peppers = peppers
    this.#bcrypt = bcrypt
    this.#config = config
  }

  /** `key` is the secret itself: it can't be had a second time. */
  async create (fields: NewKey): Promise<{ key: string, apiKey: ApiKey }> {
    const name = checkedName(fields.name)
    const description = checkedDescription(fields.description) ?? null
    const scopes = checkedScopes(fields.scopes)
    const expiresAt = checkedExpiry(fields.expiresAt) ?? null
    const environment = this.#checkedEnvironment(fields.environment)
    const userId = await this.#users.idFor(fields.user)
    const key = generateKey({ brand: this.#config.brand, environment })
    const keyHash = await this.#bcrypt.hash(key, this.#config.bcryptCost)
    const lookup = this.#peppers.lookupOf(key)[0]
    const row = {
      userId,
      keyHash,
      prefix: keyPrefixOf(key),
      name,
      description,
      scopes,
      environment,
      expiresAt,
      digest: lookup?.digest ?? null,
      pepperId: lookup?.pepperId ?? null,
    }
    try {
      return { key, apiKey: await this.#store.insert(row) }
    } catch (err) {
      if (sqlState(err) !== foreignKeyViolation) throw err
      // Only now: asking first would need the right to read auth.users, which a role of least rights doesn't have.
      await this.#users.add(userId)
      return { key, apiKey: await this.#store.insert(row) }
    }
  }

  async list (filter: KeyFilter = {}): Promise<KeyPage> {
    const limit = filter.limit ?? 100
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) throw new KeyManagerError(`limit must be 1 to ${limitMax}`)
    if (filter.status !== undefined && !statuses.includes(filter.status)) {
      throw new KeyManagerError(`status must be one of ${statuses.join(', ')}`)
    }
    const rows = await this.#store.list({
      userId: filter.user === undefined ? null : await this.#users.existingIdFor(filter.user),
      prefix: filter.prefix === undefined ? null : prefixIn(filter.prefix),
      scope: filter.scope ?? null,
      status: filter.status ?? null,
      afterId: filter.afterId === undefined ? 0 : checkedId(filter.afterId),
      limit: limit + 1,
    })
    const data = rows.slice(0, limit)
    return { data, nextAfterId: rows.length > limit ? data.at(-1)?.id ?? null : null }
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
    const rows = await this.#store.list({ userId: null, prefix, scope: null, status: null, afterId: 0, limit: 11 })
    const exact = rows.filter((row) => row.prefix.replace(/\.+$/, '') === prefix)
    const candidates = exact.length > 0 ? exact : rows
    if (candidates[0] === undefined) return noSuchKey(prefix)
    if (candidates.length > 1) {
      throw new KeyManagerError(`More than one key has the prefix ${prefix}: name it by its id, one of ${candidates.slice(0, 10).map((row) => row.id).join(', ')}`)
    }
    return candidates[0]
  }

  /** What is left out stays as it is. */
  async update (id: number, changes: KeyChanges): Promise<ApiKey> {
    const checked = {
      name: changes.name === undefined ? undefined : checkedName(changes.name),
      description: checkedDescription(changes.description),
      scopes: changes.scopes === undefined ? undefined : checkedScopes(changes.scopes),
      expiresAt: checkedExpiry(changes.expiresAt),
    }
    return await this.#store.update(checkedId(id), checked) ?? noSuchKey(id)
  }

  async disable (id: number): Promise<ApiKey> {
    return await this.#store.disable(checkedId(id)) ?? noSuchKey(id)
  }

  /** A revoked key stays revoked: that is an error here. */
  async enable (id: number): Promise<ApiKey> {
    const enabled = await this.#store.enable(checkedId(id))
    if (enabled !== null) return enabled
    if (await this.#store.find(id) === null) return noSuchKey(id)
    throw new KeyManagerError(`Key ${id} was revoked, which is for good: make a new one`)
  }

  /** Once and for all; revoking again changes nothing. */
  async revoke (id: number): Promise<ApiKey> {
    return await this.#store.revoke(checkedId(id)) ?? noSuchKey(id)
  }

  #checkedEnvironment (environment: string | undefined): string {
    const admitted = this.#config.environments
    const chosen = environment ?? admitted[0]
    if (chosen === undefined || !admitted.includes(chosen)) {
      throw new KeyManagerError(`environment must be one that the configuration admits: ${admitted.join(', ')}`)
    }
    return chosen
  }
}

function checkedName (name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || [...trimmed].length > 255 || /\p{Cc}/u.test(trimmed)) {
    throw new KeyManagerError('name must have 1 to 255 characters, without control characters')
  }
  return trimmed
}

function checkedDescription (description: string | null | undefined): string | null | undefined {
  if (description?.includes('\0')) throw new KeyManagerError('description must not hold a NUL character')
  return description
}

function checkedScopes (scopes: readonly string[]): readonly string[] {
  for (const scope of scopes) {
    if (!isGrantableScope(scope)) {
      throw new KeyManagerError(`${JSON.stringify(scope)} is not a scope: write inventory:read, inventory:* or *, in a-z 0-9 . _ -`)
    }
  }
  return [...new Set(scopes)]
}

function checkedExpiry (expiresAt: Date | null | undefined): Date | null | undefined {
  // Negated, so that an invalid date, whose time is NaN, is refused too.
  if (expiresAt && !(expiresAt.getTime() > Date.now())) throw new KeyManagerError('expiry must be a date in the future')
  return expiresAt
}

function checkedId (id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new KeyManagerError(`${id} is not the id of a key`)
  return id
}

/** A whole key, pasted where its prefix was meant, is cut before it goes anywhere. */
function prefixIn (text: string): string {
  const trimmed = text.trim().replace(/\.+$|…$/, '')
  return trimmed.length > 20 ? keyPrefixOf(trimmed) : trimmed
}

function noSuchKey (idOrPrefix: number | string): never {
  throw new KeyManagerError(typeof idOrPrefix === 'number' || /^\d+$/.test(idOrPrefix)
    ? `No key has the id ${idOrPrefix}`
    : `No key has the prefix ${idOrPrefix}`)
}
