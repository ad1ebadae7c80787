import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { createAdmin } from './admin/index.ts'
import { Closers } from './closers.ts'
import type { Config, ListenerConfig } from './config/config.ts'
import { ConfigFile } from './config/config-file.ts'
import type { Environment } from './config/environment.ts'
import type { ConfigOverrides } from './config/load.ts'
import { openEmbedded } from './database/embedded.ts'
import { createPool } from './database/pool.ts'
import { awaitSchema, ensureSchema } from './database/schema-gate.ts'
import type { Front, FrontOptions } from './front.ts'
import { BcryptPool } from './keys/bcrypt.ts'
import { Peppers } from './keys/digest.ts'
import { KeyManager } from './keys/manager.ts'
import { FailureBudget } from './limits/failure-budget.ts'
import { createRegistry } from './metrics/registry.ts'
import { createServing, databaseConnectionsMax, shutdown } from './serving.ts'
import { TokenStore } from './tokens/token-store.ts'
import { TokenVerifier } from './tokens/verifier.ts'
import { workerCount } from './workers/count.ts'
import { startWorkers } from './workers/primary.ts'

/** At cost 10 a minute's work of a core; whoever comes on top of it is told to come back. */
const bcryptQueueMax = 1_000
/** What the admin API asks of the database, of which nothing is kept open for it. */
const adminDatabase = { connectionsMin: 0, queryTimeoutMs: 30_000 } as const
/** However slow the reports, tokens can be checked and keys revoked. */
const adminConnectionsMax = { changes: 3, reports: 2 } as const
/** Of tokens, by network. */
const tokenFailures = { failures: 20, perMs: 60_000 } as const
/** Of the embedded database, beside those of the workers and the admin API: for commands, and whoever has a look. */
const otherConnectionsMax = 39

/** Short, since the path of a socket is made of it. */
const spoolNameBytes = 6

export interface ServerOptions {
  readonly config: Config
  readonly configFile: string
  readonly configOverrides: ConfigOverrides
  readonly environment: Environment
  readonly logger: Logger
  readonly version: string
  /** Runs pending migrations on a database that isn't the embedded one, too. */
  readonly migrates: boolean
  /** Ends a start that isn't done: it closes what is open and rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called at most once, when the server finds after its start that it can't do its work. The caller closes it. */
  readonly onFatal: (err: unknown) => void
}

export interface Server {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly databaseUrl: string
  isReady (): boolean
  /** Reads the configuration file again. */
  reload (): void
  /** Stops accepting, drains, flushes usage, and closes what is below, in this order. Never rejects. */
  close (): Promise<void>
}

/**
 * Composes a gateway process and opens its listeners. It is live when this resolves and ready once it has reached
 * its database. Rejects, with everything closed again, on what a person must mend.
 */
export async function startServer (options: ServerOptions): Promise<Server> {
  const closers = new Closers(options.logger)
  try {
    return await compose(options, closers)
  } catch (err) {
    await closers.close()
    throw err
  }
}

async function compose (options: ServerOptions, closers: Closers): Promise<Server> {
  const { config, environment, logger, version, signal } = options
  const state = { isSchemaReady: false, isDraining: false, config, gatewayUrl: '' }
  const stop = new AbortController()

  const workers = workerCount(config.gateway.workers)
  const database = await openDatabase(environment, { workers, logger, signal })
  closers.add('database', database.close)
  signal?.throwIfAborted()
  const schema = { connectionString: database.directUrl, migrates: options.migrates || database.isEmbedded, logger }
  state.isSchemaReady = await ensureSchema(schema)
  signal?.throwIfAborted()

  const bcrypt = new BcryptPool({ queueMax: bcryptQueueMax, logger })
  closers.add('bcrypt', () => bcrypt.close())
  const adminPool = createPool({ connectionString: database.url, applicationName: 'latchkey admin', connectionsMax: adminConnectionsMax.changes, ...adminDatabase, logger })
  closers.add('admin pool', () => adminPool.endWithin(shutdown.poolsMs))
  const reportsPool = createPool({ connectionString: database.url, applicationName: 'latchkey reports', connectionsMax: adminConnectionsMax.reports, ...adminDatabase, logger })
  closers.add('reports pool', () => reportsPool.endWithin(shutdown.poolsMs))
  const failures = new FailureBudget(config.gateway.failureBudget)
  const isReady = () => state.isSchemaReady && front.hasReachedStore() && !state.isDraining
  const front = await (workers === 1 ? serveAlone : startWorkers)({
    config, workers, database, bcrypt, failures, isReady, isConfigCurrent: () => configFile.isCurrent, environment, version, logger,
  })
  closers.add('serving', () => front.close())
  const configFile = new ConfigFile(config, {
    file: options.configFile,
    overrides: options.configOverrides,
    logger,
    onChange: changed => {
      front.replaceRoutes(changed)
      state.config = { ...config, routes: changed.routes, upstreams: changed.upstreams }
    },
  })
  closers.add('configuration file', () => configFile.close())
  const peppers = new Peppers(database.peppers)
  const tokens = new TokenVerifier({
    store: new TokenStore(adminPool), environmentToken: environment.adminToken, failures: new FailureBudget(tokenFailures), logger,
  })
  const admin = createAdmin({
    registry: front.registry,
    isReady,
    tokens,
    pool: adminPool,
    reportsPool,
    peppers,
    manager: new KeyManager({ pool: adminPool, peppers, bcrypt, config: config.keys }),
    config: () => state.config,
    gatewayUrl: () => state.gatewayUrl,
    version,
    logger,
  })
  // Closed after the flush, so that the last numbers can still be read.
  closers.add('admin listener', () => admin.close())
  closers.add('drain', () => front.drain())
  signal?.throwIfAborted()

  const adminUrl = await listen(config.admin, 'admin', at => admin.listen(at), () => admin.server.address())
  const gatewayUrl = state.gatewayUrl = await listen(config.gateway, 'gateway', at => front.listen(at), () => front.address())
  logger.info({ gatewayUrl, adminUrl, routes: config.routes.length, workers }, 'listening')
  closers.add('start-up', () => stop.abort())
  becomeReady().catch(err => { if (!stop.signal.aborted) options.onFatal(err) })

  let closing: Promise<void> | null = null
  return {
    gatewayUrl,
    adminUrl,
    databaseUrl: database.url,
    isReady,
    reload: () => configFile.reload(),
    close () {
      state.isDraining = true
      closing ??= closers.close()
      return closing
    },
  }

  async function becomeReady (): Promise<void> {
    if (!state.isSchemaReady) await awaitSchema(schema, stop.signal)
    state.isSchemaReady = true
    await front.reachStore(() => logger.info('ready: the key store was reached'))
  }
}

/** One process does all. */
async function serveAlone ({ isConfigCurrent, version, ...options }: FrontOptions): Promise<Front> {
  const { url, directUrl, peppers } = options.database
  const serving = await createServing({
    ...options,
    database: { url, directUrl, peppers: new Peppers(peppers) },
    spool: { dataDir: options.environment.dataDir, name: randomBytes(spoolNameBytes).toString('hex') },
  })
  return {
    registry: createRegistry({ ...serving.numbers, isConfigCurrent, version }),
    listen: async at => { await serving.gateway.listen(at) },
    address: () => serving.gateway.server.address(),
    hasReachedStore: () => serving.hasReachedStore(),
    reachStore: async onReached => await serving.reachStore({ examines: true, onReached }),
    replaceRoutes: changed => serving.replaceRoutes(changed),
    drain: async () => await serving.drain(),
    close: async () => await serving.close(),
  }
}

async function openDatabase ({ databaseUrl, databaseDirectUrl, dataDir, keyPeppers }: Environment, { workers, logger, signal }: { workers: number, logger: Logger, signal: AbortSignal | undefined }) {
  if (databaseUrl !== null) {
    if (keyPeppers.length === 0) logger.warn('LATCHKEY_KEY_PEPPER is not set: each key costs a bcrypt comparison at its first use in every process')
    return { url: databaseUrl, directUrl: databaseDirectUrl ?? databaseUrl, isEmbedded: false, peppers: keyPeppers, close: async () => {} }
  }
  const embedded = await openEmbedded({ dataDir, role: 'gateway', connectionsMax: workers * databaseConnectionsMax + adminConnectionsMax.changes + adminConnectionsMax.reports + otherConnectionsMax, logger, signal })
  return { url: embedded.url, directUrl: embedded.url, isEmbedded: true, peppers: [...keyPeppers, embedded.pepper], close: () => embedded.close() }
}

/** Resolves with the URL under which this machine reaches the listener. */
async function listen ({ host, port }: ListenerConfig, what: string, open: (at: ListenerConfig) => Promise<unknown>, addressOf: () => unknown): Promise<string> {
  try {
    await open({ host, port })
  } catch (err) {
    const reason = err instanceof Error && 'code' in err && err.code === 'EADDRINUSE' ? 'another process listens there' : String(err)
    throw new Error(`the ${what} listener cannot open ${host}:${port}: ${reason}`, { cause: err })
  }
  const { address, family, port: actualPort } = addressOf() as AddressInfo
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : family === 'IPv6' ? `[${address}]` : address
  return `http://${reachable}:${actualPort}`
}
