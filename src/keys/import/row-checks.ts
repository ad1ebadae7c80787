import { UsageError } from '../../errors.ts'
import { checkedDescription, checkedMetadata, checkedName } from '../key-checks.ts'
import { isGrantableScope } from '../scope-names.ts'
import { isEmail, isUserId } from '../user-directory.ts'
import { hashFault } from './bcrypt-hash.ts'
import type { ImportFault } from './faults.ts'
import { holdsKey } from './key-in-text.ts'
import { environmentIn, prefixFault, type RowRules, shownPrefix } from './prefixes.ts'
import { type ImportField, rowFaultsMax, type SourceRow } from './source-row.ts'
import { msOf, timeText } from './times.ts'

/** A key as it will be stored, but for its user. */
export interface CheckedRow {
  readonly line: number
  /** A UUID in lower case, or an email. */
  readonly user: string
  readonly keyHash: string
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly isActive: boolean
  // As Postgres reads them.
  readonly expiresAt: string | null
  readonly createdAt: string | null
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
}

/** Two clocks are never quite alike. */
const clockToleranceMs = 300_000
/** Half of a character outside of Unicode's first plane, of which JSON can hold one alone. */
const halfCharacter = /\p{Surrogate}/u

/** Checks all of a row, which none of its faults keeps from having others. */
export function checkRow (row: SourceRow, rules: RowRules): CheckedRow | readonly ImportFault[] {
  // What isn't written as a row has no values that would be worth a word.
  if (row.faults.some(({ field }) => field === '')) return row.faults
  const checks = new RowChecks(row, rules)
  const key = checks.key()
  return checks.faults.length === 0 ? key : checks.faults
}

class RowChecks {
  readonly #row: SourceRow
  readonly #rules: RowRules
  readonly faults: ImportFault[]

  constructor (row: SourceRow, rules: RowRules) {
    this.#row = row
    this.#rules = rules
    this.faults = [...row.faults]
  }

  key (): CheckedRow {
    const prefix = this.#prefix()
    this.#refuseKeys(prefix === '' ? null : shownPrefix(prefix))
    const revokedAt = this.#pastTime('revokedAt')
    const isActive = this.#isActive()
    return {
      line: this.#row.line,
      user: this.#user(),
      keyHash: this.#hash(),
      prefix,
      name: this.#checked('name', '', (name) => checkedName(name)),
      description: this.#checked('description', null, (text) => checkedDescription(text) ?? null),
      scopes: this.#scopes(),
      environment: this.#environment(prefix),
      // As revoking leaves it.
      isActive: isActive && revokedAt === null,
      expiresAt: this.#expiry(),
      createdAt: this.#pastTime('createdAt'),
      lastUsedAt: this.#pastTime('lastUsedAt'),
      revokedAt,
      metadata: this.#metadata(),
    }
  }

  #fault (field: string, detail: string): void {
    this.faults.push({ line: this.#row.line, field, detail })
  }

  /** null: left out, or not a text, which is a fault. */
  #text (field: ImportField): string | null {
    const value = this.#row.values[field] ?? null
    if (value === null) return null
    if (typeof value !== 'string') this.#fault(field, 'must be a text')
    else if (halfCharacter.test(value)) this.#fault(field, 'is not valid Unicode')
    else return value
    return null
  }

  #required (field: ImportField): string | null {
    const faultsBefore = this.faults.length
    const text = this.#text(field)
    if ((text === null || text === '') && this.faults.length === faultsBefore) this.#fault(field, 'is missing')
    return text === '' ? null : text
  }

  #checked<T> (field: 'name' | 'description', none: T, check: (text: string) => T): T {
    const text = field === 'name' ? this.#required(field) : this.#text(field)
    return text === null || text === '' ? none : this.#orFault(field, none, () => check(text))
  }

  #orFault<T> (field: string, none: T, check: () => T): T {
    try {
      return check()
    } catch (err) {
      if (!(err instanceof UsageError)) throw err
      this.#fault(field, err.message.startsWith(`${field} `) ? err.message.slice(field.length + 1) : err.message)
      return none
    }
  }

  #user (): string {
    const text = this.#required('userId')
    if (text !== null && !isUserId(text) && !isEmail(text)) this.#fault('userId', 'is neither the UUID of a user nor an email')
    return text !== null && isUserId(text) ? text.toLowerCase() : text ?? ''
  }

  #hash (): string {
    const text = this.#required('keyHash')
    const fault = text === null ? null : hashFault(text)
    if (fault !== null) this.#fault('keyHash', fault)
    return text ?? ''
  }

  #prefix (): string {
    const text = this.#required('keyPrefix')
    if (text === null) return ''
    const fault = prefixFault(text, this.#rules)
    if (fault === null) return text
    this.#fault('keyPrefix', fault)
    return ''
  }

  #scopes (): readonly string[] {
    const value = this.#row.values.scopes ?? []
    if (!Array.isArray(value)) {
      this.#fault('scopes', 'must be a list of scopes')
      return []
    }
    for (const [i, scope] of value.entries()) {
      if (this.faults.length >= rowFaultsMax) break
      if (typeof scope !== 'string' || !isGrantableScope(scope)) this.#fault(`scopes.${i}`, 'is not a scope, and would grant nothing: write inventory:read, inventory:* or *, in a-z 0-9 . _ -')
    }
    return [...new Set(value)]
  }

  /** That of the prefix, where the row says nothing. */
  #environment (prefix: string): string | null {
    const text = this.#text('environment')
    if (text === null || text === '') return environmentIn(prefix, this.#rules.brand)
    const { environments } = this.#rules
    if (!environments.includes(text)) this.#fault('environment', `must be one that the configuration admits: ${environments.join(', ')}`)
    return text
  }

  #isActive (): boolean {
    const value = this.#row.values.isActive ?? true
    if (typeof value === 'boolean') return value
    this.#fault('isActive', 'must be true or false')
    return true
  }

  /** One in the past is a key that has expired. Postgres' own word for never is one, too. */
  #expiry (): string | null {
    return this.#row.values.expiresAt === 'infinity' ? null : this.#time('expiresAt')
  }

  #pastTime (field: 'createdAt' | 'lastUsedAt' | 'revokedAt'): string | null {
    const text = this.#time(field)
    if (text !== null && msOf(text) > Date.now() + clockToleranceMs) this.#fault(field, 'lies in the future')
    return text
  }

  #time (field: ImportField): string | null {
    const text = this.#text(field)
    if (text === null || text === '') return null
    const time = timeText(text)
    if (time === null) this.#fault(field, 'must be a time in ISO 8601 with its zone: 2030-01-31T12:00:00Z')
    return time
  }

  #metadata (): Readonly<Record<string, unknown>> | null {
    const value = this.#row.values.metadata ?? null
    if (value === null) return null
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.#fault('metadata', 'must be an object')
      return null
    }
    return this.#orFault('metadata', null, () => checkedMetadata(value as Record<string, unknown>) ?? null)
  }

  /** Wherever they stand, as in a column that is ignored: a file of hashes is made to be handed on, one of keys is not. */
  #refuseKeys (prefix: string | null): void {
    const { keyHash, keyPrefix, ...others } = this.#row.values
    for (const [field, value] of [...Object.entries(others), ['', this.#row.ignored] as const]) {
      const text = typeof value === 'string' ? value : JSON.stringify(value ?? '')
      if (holdsKey(text, prefix)) this.#fault(field, 'seems to hold a key itself, which belongs nowhere but to its owner')
    }
  }
}
