import type { AuditEntry } from '../api/types.ts'
import { exactTime } from './time.ts'

/** What was done, as the rest of a sentence that begins with who did it. */
const verbs: Readonly<Record<string, string>> = {
  'key.created': 'created',
  'key.updated': 'changed',
  'key.disabled': 'disabled',
  'key.enabled': 'enabled',
  'key.revoked': 'revoked',
  'key.rotated': 'rotated',
  'key.grace_changed': 'changed the grace period of',
  'key.grace_ended': 'ended the grace period of',
  'key.deleted': 'deleted',
  'keys.truncated': 'emptied the table of keys',
  'token.created': 'created the admin token',
  'token.revoked': 'revoked the admin token',
  'token.updated': 'changed the admin token',
  'token.deleted': 'deleted the admin token',
}

export const auditActions = Object.keys(verbs)

export function verbOf (action: string): string {
  return verbs[action] ?? `did ${action} to`
}

/** For a list to choose from: `Key rotated`. */
export function actionLabel (action: string): string {
  const words = action.replace('.', ' ').replaceAll('_', ' ')
  return words[0]!.toUpperCase() + words.slice(1)
}

export function isAboutKey (action: string): boolean {
  return action.startsWith('key.')
}

/** Of the admin token that the entry is about; null where it is about something else. */
export function tokenNameOf ({ action, before, after }: AuditEntry): string | null {
  const name = (after ?? before)?.token
  return action.startsWith('token.') && typeof name === 'string' ? name : null
}

/** Whose hands it was in: a token's name, a person at the command line, or whoever spoke SQL. */
export function actorWords ({ actor: { kind, name }, databaseRole }: AuditEntry): { readonly name: string, readonly by: string } {
  if (kind === 'token') return { name, by: 'by token' }
  if (kind === 'command') return { name, by: 'on the command line' }
  return { name: name === '' ? databaseRole : name, by: 'straight in the database' }
}

export interface Change {
  readonly label: string
  /** Null: there was nothing to compare with. */
  readonly before: string | null
  readonly after: string
}

const labels: Readonly<Record<string, string>> = {
  userId: 'user',
  isActive: 'active',
  expiresAt: 'expiry',
  revokedAt: 'revoked',
  graceEndsAt: 'old secret works until',
}
/** What the verb has said already, and what tells a reader nothing. */
const silent: Readonly<Record<string, readonly string[]>> = {
  'key.disabled': ['isActive'],
  'key.enabled': ['isActive'],
  'key.revoked': ['isActive', 'revokedAt'],
}
const alwaysSilent = ['id', 'createdAt', 'secret', 'secretPrefix']
/** Of a new key or token, what one would ask first. */
const toldOfNewOnes = ['scopes', 'rights', 'expiresAt', 'environment']

/** Field by field, what is other than before. */
export function changesOf ({ action, before, after }: Pick<AuditEntry, 'action' | 'before' | 'after'>): readonly Change[] {
  if (action.endsWith('.deleted') || action === 'token.revoked') return []
  const old = before ?? {}
  const fresh = after ?? {}
  if (action.endsWith('.created')) return toldOfNewOnes.filter(name => fresh[name] != null).map(name => ({ label: labelOf(name), before: null, after: valueText(fresh[name]) }))
  const untold = [...alwaysSilent, ...silent[action] ?? []]
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .filter(name => !untold.includes(name) && !(name === 'graceEndsAt' && fresh[name] == null && old[name] == null))
    .filter(name => JSON.stringify(old[name] ?? null) !== JSON.stringify(fresh[name] ?? null))
    .map(name => ({
      label: labelOf(name),
      before: name === 'graceEndsAt' && old[name] == null ? null : valueText(old[name]),
      after: name === 'graceEndsAt' && fresh[name] == null ? 'ended' : valueText(fresh[name]),
    }))
}

function labelOf (name: string): string {
  return labels[name] ?? name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

export function valueText (value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/.test(value) ? exactTime(value) : value
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueText).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
