import type { ApiKey, KeyChanges } from '../api/types.ts'

/** What of a key can be edited. */
export type KeyFields = Pick<ApiKey, 'name' | 'description' | 'scopes' | 'expiresAt' | 'metadata'>

export const fieldLabels: Readonly<Record<keyof KeyFields, string>> = { name: 'Name', description: 'Description', scopes: 'Scopes', expiresAt: 'Expiry', metadata: 'Metadata' }

/** Rows that other programs wrote may have none. */
export function nameOf ({ id, name }: Pick<ApiKey, 'id' | 'name'>): string {
  return name.trim() === '' ? `Key ${id}, unnamed` : name
}

export function fieldsOf ({ name, description, scopes, expiresAt, metadata }: ApiKey): KeyFields {
  return { name, description, scopes, expiresAt, metadata }
}

/** The fields that differ, with their new values: what nobody touched isn't sent. */
export function changesBetween (before: KeyFields, after: KeyFields): KeyChanges {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => !isSame(before[name as keyof KeyFields], value)))
}

/** The order of scopes says nothing. */
export function isSame (a: unknown, b: unknown): boolean {
  return JSON.stringify(Array.isArray(a) ? [...a].sort() : a) === JSON.stringify(Array.isArray(b) ? [...b].sort() : b)
}
