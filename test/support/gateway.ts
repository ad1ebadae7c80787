import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type pg from 'pg'
import type { Test } from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import type { Environment } from '../../src/config/environment.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { type ApiKey, KeyManager, type NewKey } from '../../src/keys/manager.ts'
import { type Server, startServer } from '../../src/server.ts'
import { type EngineName, withEngine } from './engine.ts'
import { createDatabase } from './postgres.ts'
import { scrape } from './scrape.ts'
import { until } from './until.ts'

export interface TestGateway {
  readonly url: string
  readonly adminUrl: string
  readonly configFile: string
  readonly server: Server
  readonly database: { readonly url: string, readonly pool: pg.Pool }
  readonly pepper: Buffer
  /** Of keys in its database; nobody waits until the gateway has heard of what it does. */
  readonly manager: KeyManager
  /** Every line that the gateway logged, as text. */
  readonly logs: string[]
  /**
   * Makes a key in the gateway's database; `user` and `name` have defaults. Resolves when the gateway, if it listens,
   * has heard of it: a notification that comes after the key's first use would throw it out of the cache again.
   */
  createKey (fields?: Partial<NewKey>): Promise<{ key: string, apiKey: ApiKey }>
  close (): Promise<void>
}

export interface GatewayOptions {
  /** YAML of `upstreams`, `routes` and, at will, `keys` and `usage`. Listeners take ports that the system picks. */
  readonly config: string
  /** Left out: the one that the run is about, see engine.ts. */
  readonly engine?: EngineName | undefined
  /** Shared with another gateway; else one of its own. */
  readonly database?: { readonly url: string, readonly pool: pg.Pool } | undefined
  /** Another way to the same database, such as through a proxy. */
  readonly databaseUrl?: string | undefined
  readonly pepper?: Buffer | null
  readonly environment?: Partial<Environment>
  /** False: returns as soon as the gateway is live, else when it is ready and hears of changes to keys. */
  readonly awaitsReady?: boolean
}

const fastKeys = 'keys: { bcryptCost: 4 }\n'

/** A whole gateway in this process, on a database of its own. Closed by the test's teardown. */
export async function startGateway (t: Test, options: GatewayOptions): Promise<TestGateway> {
  const database = options.database ?? await createDatabase(t)
  const pepper = options.pepper === undefined ? randomBytes(32) : options.pepper
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-gateway-'))
  const configFile = join(folder, 'gateway.yaml')
  writeFileSync(configFile, withEngine((/^keys:/m.test(options.config) ? '' : fastKeys) + options.config, options.engine))
  const configOverrides = { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 }
  const config = loadConfig(configFile, configOverrides)
  const logs: string[] = []
  const logger = pino({ level: 'trace' }, new Writable({
    write (chunk, _encoding, callback) {
      logs.push(String(chunk))
      callback()
    },
  }))
  const peppers = pepper === null ? [] : [pepper]
  const server = await startServer({
    config,
    configFile,
    configOverrides,
    environment: {
      databaseUrl: options.databaseUrl ?? database.url,
      databaseDirectUrl: null,
      configFile,
      host: null,
      port: null,
      adminHost: null,
      adminPort: null,
      adminToken: null,
      keyPeppers: peppers,
      dataDir: join(folder, 'data'),
      // What workers log goes to standard output, where it would stand among the test's results.
      logLevel: 'silent',
      ...options.environment,
    },
    logger,
    version: '0.0.0-test',
    migrates: false,
    onFatal: err => { t.fail('the gateway failed', { err }) },
  })
  const bcrypt = new BcryptPool({ queueMax: 100, logger })
  const manager = new KeyManager({ pool: database.pool, peppers: new Peppers(peppers), bcrypt, config: config.keys })
  const close = async () => {
    await server.close()
    await bcrypt.close()
    rmSync(folder, { recursive: true, force: true })
  }
  t.teardown(close)
  if (options.awaitsReady !== false) {
    await until(() => server.isReady(), 'the gateway is ready')
    const listensAt = options.environment?.databaseDirectUrl ?? options.databaseUrl ?? database.url
    // Through a proxy or a pooler it may never listen.
    if (listensAt === database.url) await until(async () => (await hearingOf(server.adminUrl)).isListening, 'the gateway listens')
  }
  return {
    url: server.gatewayUrl,
    adminUrl: server.adminUrl,
    configFile,
    server,
    database,
    pepper: pepper ?? Buffer.alloc(0),
    manager,
    logs,
    createKey: async fields => {
      const before = await hearingOf(server.adminUrl)
      const created = await manager.create({ user: 'ada@example.com', name: 'test', scopes: [], ...fields })
      if (before.isListening) {
        await until(async () => {
          const { isListening, heard } = await hearingOf(server.adminUrl)
          return heard > before.heard || !isListening
        }, 'the gateway has heard of the new key')
      }
      return created
    },
    close,
  }
}

/** Of a gateway that is closed: that it doesn't listen. */
async function hearingOf (adminUrl: string): Promise<{ isListening: boolean, heard: number }> {
  const series = await scrape(adminUrl).catch(() => new Map<string, number>())
  return { isListening: series.get('latchkey_key_listener_up') === 1, heard: series.get('latchkey_key_invalidations_total') ?? 0 }
}
