import { nearest } from '../../config/nearest.ts'
import type { ImportFault } from './faults.ts'

const fields = [
  'userId', 'name', 'scopes', 'keyHash', 'keyPrefix', 'description', 'environment', 'expiresAt', 'isActive', 'createdAt',
  'lastUsedAt', 'revokedAt', 'metadata',
] as const

export type ImportField = typeof fields[number]

/** A row as its source has it, with JSON's types: nothing but the names is checked. */
export interface SourceRow {
  readonly line: number
  readonly values: Readonly<Partial<Record<ImportField, unknown>>>
  /** Of columns that are accepted and mean nothing here. */
  readonly ignored: readonly unknown[]
  readonly faults: readonly ImportFault[]
}

/** Rows as they arrive. Throws UnreadableSourceError where no more can be told. */
export type RowSource = AsyncIterable<readonly SourceRow[]> | Iterable<readonly SourceRow[]>

/** One row is never longer: a quote that isn't closed would make one of the whole file. */
export const rowCharsMax = 1024 ** 2

/** Of one row: whoever made a million in it needs no more to see that it is none. */
export const rowFaultsMax = 100

/** The names of the table's own columns, so that what `\copy api_keys to … csv header` wrote is read as it is; null: of no use. */
const columns: ReadonlyMap<string, ImportField | null> = new Map<string, ImportField | null>([
  ...fields.map((field) => [field, field] as const),
  ['user_id', 'userId'], ['key_hash', 'keyHash'], ['key_prefix', 'keyPrefix'], ['is_active', 'isActive'],
  ['expires_at', 'expiresAt'], ['created_at', 'createdAt'], ['last_used_at', 'lastUsedAt'], ['revoked_at', 'revokedAt'],
  ['latchkey_metadata', 'metadata'], ['id', null], ['key_lookup', null], ['pepper_id', null],
])

/** null: accepted and ignored; undefined: unknown. */
export function fieldNamed (name: string): ImportField | null | undefined {
  return columns.get(name)
}

export const requiredFields = ['userId', 'name', 'scopes', 'keyHash', 'keyPrefix'] as const satisfies ImportField[]

/** A name is repeated only where it is a word: where the header is missing, a key or its hash stands in its place. */
export function unknownName (name: string, place: string): string {
  if (!/^[A-Za-z][a-z]*(?:[ _-]?[A-Z]?[a-z]+){0,4}$/.test(name) || name.length > 32) return `${place} has a name that is none of ${fields.join(', ')}`
  const meant = nearest(name, [...columns.keys()])
  return `there is no ${name}${meant === null ? `: a row has ${fields.join(', ')}` : ` (did you mean ${meant}?)`}`
}

/** Of the table, NULL in this column is a disabled key. In a row that was written for the import it is as good as left out. */
export function isDisabledByNull (name: string): boolean {
  return name === 'is_active'
}
