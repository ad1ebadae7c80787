import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../../../src/config/load.ts'
import { openEmbedded } from '../../../src/database/embedded.ts'
import { freePort } from '../../../src/database/embedded/postgres-process.ts'
import { migrateUp } from '../../../src/database/migrate.ts'
import { createPool } from '../../../src/database/pool.ts'
import { BcryptPool } from '../../../src/keys/bcrypt.ts'
import { Peppers } from '../../../src/keys/digest.ts'
import { KeyManager } from '../../../src/keys/manager.ts'
import { withEngine } from '../../support/engine.ts'
import { frontConfig } from '../../support/front.ts'
import type { StartedFront } from './fronts.ts'
import { end, untilListening } from './processes.ts'

const logger = pino({ level: 'silent' })
const root = join(import.meta.dirname, '../../..')

/** `latchkey start` on an embedded database of its own, with one route for everything and a key for it. */
export async function startLatchkey (folder: string, upstreamPort: number): Promise<StartedFront> {
  mkdirSync(folder)
  const configFile = join(folder, 'gateway.yaml')
  writeFileSync(configFile, withEngine(`keys: { bcryptCost: 4 }\n${frontConfig(`http://127.0.0.1:${upstreamPort}`, { upstream: 'retries: 0' })}`))
  const pepper = randomBytes(32)
  const embedded = await openEmbedded({ dataDir: join(folder, 'data'), role: 'command', logger })
  await migrateUp({ connectionString: embedded.url, logger })
  const key = await createKey(embedded.url, pepper, configFile)
  const port = await freePort()
  const child = spawn(process.execPath, ['--import=tsx', join(root, 'src/main.ts'), 'start', '--config', configFile], {
    cwd: root,
    stdio: 'ignore',
    env: {
      ...process.env,
      DATABASE_URL: embedded.url,
      LATCHKEY_KEY_PEPPER: pepper.toString('hex'),
      LATCHKEY_HOST: '127.0.0.1',
      LATCHKEY_PORT: String(port),
      LATCHKEY_ADMIN_HOST: '127.0.0.1',
      LATCHKEY_ADMIN_PORT: '0',
      LOG_LEVEL: 'error',
    },
  })
  await untilListening(port)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return {
    name: 'Latchkey',
    version,
    url: `http://127.0.0.1:${port}`,
    key,
    async close () {
      await end(child)
      await embedded.close()
    },
  }
}

async function createKey (databaseUrl: string, pepper: Buffer, configFile: string): Promise<string> {
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'conformance', connectionsMax: 1, queryTimeoutMs: 30_000, logger })
  const bcrypt = new BcryptPool({ queueMax: 1, logger })
  try {
    const manager = new KeyManager({ pool, peppers: new Peppers([pepper]), bcrypt, config: loadConfig(configFile).keys })
    return (await manager.create({ user: 'ada@example.com', name: 'conformance', scopes: ['all:use'] })).key
  } finally {
    await bcrypt.close()
    await pool.end()
  }
}
