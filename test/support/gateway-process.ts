import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type pg from 'pg'
import type { Test } from 'tap'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createDatabase } from './postgres.ts'
import { RunningCli } from './process.ts'

export interface GatewayProcesses {
  readonly pool: pg.Pool
  readonly headers: { readonly 'x-api-key': string }
  /** `latchkey start`, listening and ready. */
  start (t: Test): Promise<GatewayProcess>
}

export interface GatewayProcess {
  readonly cli: RunningCli
  readonly url: string
  readonly adminUrl: string
}

/** A database, a configuration and a key, to start real gateway processes with, one after the other or several at once. */
export async function prepareGatewayProcesses (t: Test, config: string): Promise<GatewayProcesses> {
  const database = await createDatabase(t)
  const pepper = randomBytes(32)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'gateway.yaml')
  writeFileSync(configFile, config)
  const bcrypt = new BcryptPool({ queueMax: 1, logger: pino({ level: 'silent' }) })
  const manager = new KeyManager({ pool: database.pool, peppers: new Peppers([pepper]), bcrypt, config: loadConfig(configFile).keys })
  const { key } = await manager.create({ user: 'ada@example.com', name: 'test', scopes: ['all:use'] })
  await bcrypt.close()
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
    async start (t) {
      const cli = new RunningCli(t, ['start', '--config', configFile], { cwd: folder, env })
      await cli.prints('"ready: the key store was reached"')
      const { gatewayUrl, adminUrl } = cli.logLine('listening')
      return { cli, url: String(gatewayUrl), adminUrl: String(adminUrl) }
    },
  }
}
