import type pg from 'pg'
import { UsageError } from '../../errors.ts'
import { UserDirectory } from '../../keys/user-directory.ts'
import { UserStore } from '../../keys/user-store.ts'
import { withKeyManager } from '../keys/key-session.ts'

/** Whose usage, as a person types it. */
export interface Whose {
  /** An id or a prefix. */
  readonly key?: string | undefined
  /** A UUID or an email. */
  readonly user?: string | undefined
}

export interface UsageSession {
  readonly pool: pg.Pool
  /** null: of every key. */
  readonly keyId: number | null
  /** null: of every user. */
  readonly userId: string | null
}

/** Opens the database and finds out whose usage is meant, before `work` begins. */
export async function withUsage<T> ({ key, user }: Whose, work: (session: UsageSession) => Promise<T>): Promise<T> {
  return await withKeyManager({}, async (manager, { pool }) => {
    const users = new UserDirectory(new UserStore(pool), message => new UsageError(message))
    return await work({
      pool,
      keyId: key === undefined ? null : (await manager.show(key)).id,
      userId: user === undefined ? null : await users.existingIdFor(user),
    })
  })
}
