import { existsSync } from 'node:fs'
import type { KeysConfig } from '../../config/config.ts'
import type { Environment } from '../../config/environment.ts'
import { UsageError } from '../../errors.ts'
import type { Actor, KeyManager } from '../../keys/manager.ts'
import { type DatabaseSession, withDatabase } from '../database-session.ts'
import { readEnvironment } from '../environment.ts'
import { operatingUser } from '../operating-user.ts'

export interface KeySessionOptions {
  /** What --config named. */
  readonly configFile?: string | undefined
  /**
   * Making a key depends on the configuration: its brand, its environments, the cost of its hash. Everything else goes on
   * with a faulty file, too: revoking a key must not wait until somebody has mended it.
   */
  readonly needsConfig?: boolean
}

export interface KeySession extends DatabaseSession {
  readonly config: KeysConfig
  /** Whom the audit log names. */
  readonly actor: Actor
}

/** Hands a key manager on the open, migrated database to `work`, and closes everything behind it. */
export async function withKeyManager<T> (options: KeySessionOptions, work: (manager: KeyManager, session: KeySession) => Promise<T>): Promise<T> {
  const environment = readEnvironment()
  const config = await readKeysConfig(environment, options)
  const [{ BcryptPool }, { KeyManager }] = await Promise.all([import('../../keys/bcrypt.ts'), import('../../keys/manager.ts')])
  return await withDatabase({ environment, migrations: 'needed' }, async session => {
    const { pool, peppers, logger } = session
    const bcrypt = new BcryptPool({ queueMax: 1, logger })
    try {
      const actor: Actor = { kind: 'command', name: operatingUser() }
      return await work(new KeyManager({ pool, peppers, bcrypt, config, actor }), { ...session, config, actor })
    } finally {
      await bcrypt.close()
    }
  })
}

async function readKeysConfig (environment: Environment, { configFile, needsConfig = false }: KeySessionOptions): Promise<KeysConfig> {
  const { loadConfig, parseConfig } = await import('../../config/load.ts')
  const file = configFile ?? environment.configFile
  // Only the default place may be empty: a file that somebody named is meant to be there.
  if (file === 'config/gateway.yaml' && configFile === undefined && !existsSync(file)) return parseConfig(noKeysConfig, 'defaults').keys
  try {
    return loadConfig(file).keys
  } catch (err) {
    if (needsConfig || !(err instanceof UsageError)) throw err
    return parseConfig(noKeysConfig, 'defaults').keys
  }
}

/** A file that says nothing about keys. */
const noKeysConfig = 'upstreams: { any: { targets: ["http://127.0.0.1"] } }\nroutes: [{ id: any, path: /, upstream: any }]\n'
