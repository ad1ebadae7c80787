import type { TokenManager } from '../../tokens/manager.ts'
import { withDatabase } from '../database-session.ts'
import { readEnvironment } from '../environment.ts'
import { operatingUser } from '../operating-user.ts'

/** Hands a token manager on the open, migrated database to `work`, and closes everything behind it. */
export async function withTokenManager<T> (work: (manager: TokenManager) => Promise<T>): Promise<T> {
  const environment = readEnvironment()
  const { TokenManager } = await import('../../tokens/manager.ts')
  return await withDatabase({ environment, migrations: 'needed' }, async ({ pool }) =>
    await work(new TokenManager({ pool, actor: { kind: 'command', name: operatingUser() } })))
}
