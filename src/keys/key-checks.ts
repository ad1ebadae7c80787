import { formatDuration } from '../config/units.ts'
import { keyPrefixOf, redactKeys } from './format.ts'
import { KeyManagerError } from './manager-error.ts'
import { isGrantableScope } from './scope-names.ts'

/** Beyond this a grace is a second key. */
export const graceMsMax = 90 * 86_400_000
const metadataBytesMax = 16_384
/** Escapes of JSON that jsonb has no character for: NUL, and half of one outside of Unicode's first plane. */
const unstorableEscape = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

// Each returns what will be stored, or throws KeyManagerError.

export function checkedName (name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || [...trimmed].length > 255 || /\p{Cc}/u.test(trimmed)) {
    throw new KeyManagerError('name must have 1 to 255 characters, without control characters', { field: 'name' })
  }
  return trimmed
}

export function checkedDescription (description: string | null | undefined): string | null | undefined {
  if (description?.includes('\0')) throw new KeyManagerError('description must not hold a NUL character', { field: 'description' })
  return description
}

export function checkedScopes (scopes: readonly string[]): readonly string[] {
  for (const [i, scope] of scopes.entries()) {
    if (!isGrantableScope(scope)) {
      throw new KeyManagerError(`${JSON.stringify(scope)} is not a scope: write inventory:read, inventory:* or *, in a-z 0-9 . _ -`, { field: `scopes.${i}` })
    }
  }
  return [...new Set(scopes)]
}

export function checkedExpiry (expiresAt: Date | null | undefined): Date | null | undefined {
  // Negated, so that an invalid date, whose time is NaN, is refused too.
  if (expiresAt && !(expiresAt.getTime() > Date.now())) throw new KeyManagerError('expiry must be a date in the future', { field: 'expiresAt' })
  return expiresAt
}

export function checkedMetadata (metadata: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> | undefined {
  if (metadata === undefined) return undefined
  const json = JSON.stringify(metadata)
  if (Buffer.byteLength(json) > metadataBytesMax) throw new KeyManagerError(`metadata must have at most ${metadataBytesMax} bytes as JSON`, { field: 'metadata' })
  if (unstorableEscape.test(json)) throw new KeyManagerError('metadata must hold neither a NUL character nor half of another', { field: 'metadata' })
  return metadata
}

export function checkedGrace (gracePeriodMs: number): number {
  if (!Number.isSafeInteger(gracePeriodMs) || gracePeriodMs < 0 || gracePeriodMs > graceMsMax) {
    throw new KeyManagerError(`gracePeriod must be from 0s to ${formatDuration(graceMsMax)}`, { field: 'gracePeriod' })
  }
  return gracePeriodMs
}

export function checkedId (id: number): number {
  if (!Number.isSafeInteger(id) || id < 0) throw new KeyManagerError(`${id} is not the id of a key`)
  return id
}

/** A whole key, pasted where its prefix was meant, is cut before it goes anywhere. */
export function prefixIn (text: string): string {
  const trimmed = text.trim().replace(/\.+$|…$/, '')
  return trimmed.length > 20 ? keyPrefixOf(trimmed) : trimmed
}

/** What is looked for in names and emails too, so that nothing is cut off but a key, and the dots behind one as it is shown. */
export function searchIn (text: string): string {
  const trimmed = text.trim()
  return redactKeys(trimmed) === trimmed ? trimmed.replace(/\.{3,}$|…$/, '') : prefixIn(trimmed)
}

export function noSuchKey (idOrPrefix: number | string): never {
  throw new KeyManagerError(typeof idOrPrefix === 'number' || /^\d+$/.test(idOrPrefix)
    ? `No key has the id ${idOrPrefix}`
    : `No key has the prefix ${idOrPrefix}`, { fault: 'not_found' })
}
