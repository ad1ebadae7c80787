import type { ApiKey, KeyManager } from '../../keys/manager.ts'

/** A key as the API tells it. */
export interface ShownKey extends ApiKey {
  readonly userEmail: string | null
}

/** Adds what people know a key's user by. */
export async function shownKeys (manager: KeyManager, keys: readonly ApiKey[]): Promise<ShownKey[]> {
  const emails = await manager.emailsOf(keys.map(({ userId }) => userId))
  return keys.map(key => ({ ...key, userEmail: emails.get(key.userId) ?? null }))
}

export async function shownKey (manager: KeyManager, key: ApiKey): Promise<ShownKey> {
  const [shown] = await shownKeys(manager, [key])
  return shown!
}
