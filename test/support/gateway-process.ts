import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type pg from 'pg'
import type { Test } from 'tap'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { type ApiKey, KeyManager, type NewKey } from '../../src/keys/manager.ts'
import { loadConfig } from '../../src/config/load.ts'
import { withEngine } from './engine.ts'
import { createDatabase } from './postgres.ts'
import { RunningCli } from './process.ts'

export interface GatewayProcesses {
  readonly pool: pg.Pool
  readonly headers: { readonly 'x-api-key': string }
  /** Makes further keys; user, name and scopes have the defaults of the first one. */
  createKeys (list: readonly Partial<NewKey>[]): Promise<{ key: string, apiKey: ApiKey }[]>
  /**
   * `latchkey start`, listening and, unless told otherwise, ready. `environment` comes on top of what it needs.
   */
  start (t: Test, environment?: Readonly<Record<string, string>>, options?: { readonly awaitsReady?: boolean }): Promise<GatewayProcess>
}

export interface GatewayProcess {
  readonly cli: RunningCli
  readonly url: string
  readonly adminUrl: string
}

/** A database, a configuration and a key, to start real gateway processes with, one after the other or several at once. */
export async function prepareGatewayProcesses (t: Test, config: string, ownDatabase?: { readonly url: string, readonly pool: pg.Pool }): Promise<GatewayProcesses> {
  const database = ownDatabase ?? await createDatabase(t)
  const pepper = randomBytes(32)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'gateway.yaml')
  writeFileSync(configFile, withEngine(config))
  const createKeys: GatewayProcesses['createKeys'] = async list => {
    const bcrypt = new BcryptPool({ queueMax: list.length, logger: pino({ level: 'silent' }) })
    const manager = new KeyManager({ pool: database.pool, peppers: new Peppers([pepper]), bcrypt, config: loadConfig(configFile).keys })
    const made = await Promise.all(list.map(async fields => await manager.create({ user: 'ada@example.com', name: 'test', scopes: ['all:use'], ...fields })))
    await bcrypt.close()
    return made
  }
  const [{ key } = { key: '' }] = await createKeys([{}])
  const env = {
    DATABASE_URL: database.url,
    LATCHKEY_KEY_PEPPER: pepper.toString('hex'),
    LATCHKEY_HOST: '127.0.0.1',
    LATCHKEY_PORT: '0',
    LATCHKEY_ADMIN_HOST: '127.0.0.1',
    LATCHKEY_ADMIN_PORT: '0',
    LOG_LEVEL: 'info',
  }
  return {
    pool: database.pool,
    headers: { 'x-api-key': key },
    createKeys,
    async start (t, environment = {}, { awaitsReady = true } = {}) {
      const cli = new RunningCli(t, ['start', '--config', configFile], { cwd: folder, env: { ...env, ...environment } })
      await cli.prints(awaitsReady ? '"ready: the key store was reached"' : '"msg":"listening"')
      const { gatewayUrl, adminUrl } = cli.logLine('listening')
      return { cli, url: String(gatewayUrl), adminUrl: String(adminUrl) }
    },
  }
}
