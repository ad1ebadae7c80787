import type { ApiKey, ApiKeyStatus, EarlierSecret } from '../../keys/manager.ts'
import type { Output } from '../output.ts'

const colours = { active: 'green', disabled: 'yellow', expired: 'yellow', revoked: 'red' } as const satisfies Record<ApiKeyStatus, string>

/** A table of keys, a line each. */
export function printKeys (output: Output, keys: readonly ApiKey[]): void {
  const statusColumn = 4
  output.table(
    ['ID', 'PREFIX', 'NAME', 'USER', 'STATUS', 'SCOPES', 'LAST USED', 'EXPIRES'],
    keys.map(key => [
      String(key.id),
      key.prefix,
      key.name,
      key.userId,
      key.status,
      key.scopes.join(',') || '-',
      output.time(key.lastUsedAt, 'never'),
      output.time(key.expiresAt, 'never'),
    ]),
    (cell, row, column) => column === statusColumn ? output.colour(colours[keys[row]?.status ?? 'active'], cell) : cell
  )
}

/** One key, a line a property. */
export function printKey (output: Output, key: ApiKey): void {
  output.pairs([
    ['id', String(key.id)],
    ['prefix', key.prefix],
    ['name', key.name],
    ['description', key.description ?? '-'],
    ['user', key.userId],
    ['status', key.status],
    ['scopes', key.scopes.join(' ') || '-'],
    ['environment', key.environment ?? '-'],
    ['created', output.time(key.createdAt, '-')],
    ['last used', output.time(key.lastUsedAt, 'never')],
    ['expires', output.time(key.expiresAt, 'never')],
    ['revoked', output.time(key.revokedAt, '-')],
    ...key.earlierSecrets.map(secret => ['earlier secret', earlierSecretText(output, secret)] as const),
  ])
}

function earlierSecretText (output: Output, { prefix, expiresAt, lastUsedAt, lastUserAgent }: EarlierSecret): string {
  const use = lastUsedAt === null ? 'not used since it was replaced' : `last used ${output.time(lastUsedAt, '-')} by ${lastUserAgent ?? 'no user agent'}`
  return `${prefix} works until ${output.time(expiresAt, '-')}; ${use}`
}

/** How a sentence names a key. */
export function nameOf (key: ApiKey): string {
  return `${key.prefix} (id ${key.id}, ${key.name})`
}
