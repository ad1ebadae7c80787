import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAdmin } from './admin/index.ts'
import { Closers } from './closers.ts'
import { AddressRanges } from './config/address.ts'
import type { Config, ListenerConfig } from './config/config.ts'
import { ConfigFile } from './config/config-file.ts'
import type { Environment } from './config/environment.ts'
import type { ConfigOverrides } from './config/load.ts'
import { openEmbedded } from './database/embedded.ts'
import { Listener } from './database/listener.ts'
import { createPool } from './database/pool.ts'
import { awaitSchema, ensureSchema } from './database/schema-gate.ts'
import { logShortcomings } from './database/shortcomings.ts'
import { Connections } from './gateway/connections.ts'
import { Drain } from './gateway/drain.ts'
import { createGateway } from './gateway/index.ts'
import { OpenRequests } from './gateway/open-requests.ts'
import { BcryptPool } from './keys/bcrypt.ts'
import { Peppers } from './keys/digest.ts'
import { redactKeys } from './keys/format.ts'
import { KeyStore } from './keys/store.ts'
import { Verifier } from './keys/verifier.ts'
import { EventLoopLoad } from './limits/event-loop-load.ts'
import { FailureBudget } from './limits/failure-budget.ts'
import { LookupLanes } from './limits/lookup-lanes.ts'
import { GatewayMetrics } from './metrics/gateway-metrics.ts'
import { createRegistry } from './metrics/registry.ts'
import { RouteTable } from './routes/route-table.ts'
import { HttpProxyEngine } from './upstreams/http-proxy-engine.ts'
import { UpstreamSet } from './upstreams/upstream-set.ts'
import { UsageRecorder } from './usage/recorder.ts'
import { PostgresUsageStore } from './usage/stores/postgres.ts'

/** What the shutdown waits for, and for how long. */
const shutdown = { idleGraceMs: 1_000, eventStreamsMs: 10_000, drainMs: 30_000, usageFlushMs: 15_000, poolsMs: 250 } as const
/** Lookups must fail fast, so that cached keys go on; a flush may take its time. */
const queryTimeoutMs = { keys: 2_000, usage: 30_000 } as const
/** Whoever hangs in connecting when the database is back finds that out no sooner. */
const connectTimeoutMs = 2_000
/** How long an answer may be outstanding when the database has just come back without its connection being given up. */
const suspectAfterMs = 1_000
/** At cost 10 a minute's work of a core; whoever comes on top of it is told to come back. */
const bcryptQueueMax = 1_000
const firstProbeEveryMs = 500

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
  const state = { isSchemaReady: false, isDraining: false }
  const stop = new AbortController()

  const database = await openDatabase(environment, logger, signal)
  closers.add('database', database.close)
  signal?.throwIfAborted()
  const schema = { connectionString: database.directUrl, migrates: options.migrates || database.isEmbedded, logger }
  state.isSchemaReady = await ensureSchema(schema)
  signal?.throwIfAborted()

  const keyPool = createPool({ connectionString: database.url, applicationName: 'latchkey keys', connectionsMax: 4, queryTimeoutMs: queryTimeoutMs.keys, connectTimeoutMs, logger })
  closers.add('key pool', () => keyPool.endWithin(shutdown.poolsMs))
  const usagePool = createPool({ connectionString: database.url, applicationName: 'latchkey usage', connectionsMax: 2, queryTimeoutMs: queryTimeoutMs.usage, connectTimeoutMs, logger })
  closers.add('usage pool', () => usagePool.endWithin(shutdown.poolsMs))
  const upstreams = new UpstreamSet(config.upstreams)
  closers.add('upstreams', () => upstreams.close())

  const load = new EventLoopLoad({ delayMaxMs: config.gateway.eventLoopDelayMaxMs, logger })
  closers.add('load', () => load.close())
  const failures = new FailureBudget(config.gateway.failureBudget)
  const lookups = new LookupLanes({ budget: failures, isOverloaded: () => load.shedsUnknown() })
  const connections = new Connections({ ...config.gateway, trusted: new AddressRanges(config.gateway.trustProxy), logger })

  const bcrypt = new BcryptPool({ queueMax: bcryptQueueMax, logger })
  closers.add('bcrypt', () => bcrypt.close())
  const listener = new Listener({
    connectionString: database.directUrl,
    channel: 'latchkey_keys',
    onNotification: payload => verifier.handleNotification(payload),
    // What was said while nobody listened is lost: everything known is checked again on its next use.
    onConnected: () => {
      keyPool.renew({ busyForMs: suspectAfterMs })
      verifier.markAllStale()
      resumeUsage()
    },
    logger,
  })
  const verifier = new Verifier({
    config: config.keys,
    store: new KeyStore(keyPool),
    peppers: database.peppers,
    bcrypt,
    gate: lookups,
    isListening: () => listener.isConfirmed(),
    onStoreReturn: resumeUsage,
    logger,
  })
  closers.add('verifier', () => verifier.close())
  listener.start()
  closers.add('listener', () => listener.close())
  const usage = new UsageRecorder({ store: new PostgresUsageStore(usagePool), ...config.usage, logger, redact: redactKeys })
  const metrics = new GatewayMetrics()
  const openRequests = new OpenRequests(verifier.watch)
  closers.add('open requests', () => openRequests.close())
  let routeTable = new RouteTable(config.routes)
  const configFile = new ConfigFile(config, {
    file: options.configFile,
    overrides: options.configOverrides,
    logger,
    onChange (changed) {
      const changedTable = new RouteTable(changed.routes)
      // Both in one turn of the event loop: no request sees a route without its upstream.
      upstreams.replace(changed.upstreams)
      routeTable = changedTable
    },
  })
  closers.add('configuration file', () => configFile.close())

  const isReady = () => state.isSchemaReady && verifier.hasReachedStore && !state.isDraining
  const admin = createAdmin({
    registry: createRegistry({
      gateway: metrics,
      limits: () => ({ connections: connections.stats(), failures: failures.stats(), lookups: lookups.stats(), load: load.stats() }),
      keys: () => ({ ...verifier.stats(), isListenerUp: listener.isConfirmed() }),
      usage: () => usage.stats(),
      openStreams: () => openRequests.stats(),
      isConfigCurrent: () => configFile.isCurrent,
      version,
    }),
    isReady,
    adminToken: environment.adminToken,
    version,
    logger,
  })
  // Closed after the flush, so that the last numbers can still be read.
  closers.add('admin listener', () => admin.close())
  closers.add('usage', () => usage.close({ timeoutMs: shutdown.usageFlushMs }))
  const gateway = await createGateway({
    config, routeTable: () => routeTable, upstreams, verifier, usage, openRequests, connections, failures, load, metrics, engine: new HttpProxyEngine(), isReady, isDraining: () => state.isDraining, logger,
  })
  const drain = new Drain(gateway.server, openRequests)
  closers.add('gateway listener', async () => {
    const brokenOff = await drain.run({ idleGraceMs: shutdown.idleGraceMs, eventStreamsMs: shutdown.eventStreamsMs, deadlineMs: shutdown.drainMs })
    if (brokenOff > 0) logger.warn({ connections: brokenOff }, 'connections still busy at the end of the drain were broken off')
    await gateway.close()
  })

  const adminUrl = await listen(admin, config.admin, 'admin')
  const gatewayUrl = await listen(gateway, config.gateway, 'gateway')
  logger.info({ gatewayUrl, adminUrl, routes: config.routes.length }, 'listening')
  closers.add('start-up', () => stop.abort())
  becomeReady().catch(err => { if (!stop.signal.aborted) options.onFatal(err) })

  // A batch sent before an outage may wait on a connection to a server that is gone. Being written once is the batch's id's to see to.
  function resumeUsage (): void {
    usagePool.renew({ busyForMs: suspectAfterMs })
    usage.retryNow()
  }

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
    let isExamined = false
    while (!stop.signal.aborted && !await verifier.probe()) {
      isExamined ||= await logShortcomings(keyPool, database.peppers.ids, logger)
      await pause(firstProbeEveryMs)
    }
    if (stop.signal.aborted) return
    logger.info('ready: the key store was reached')
    if (!isExamined) await logShortcomings(keyPool, database.peppers.ids, logger)
  }
}

async function openDatabase ({ databaseUrl, databaseDirectUrl, dataDir, keyPeppers }: Environment, logger: Logger, signal: AbortSignal | undefined) {
  if (databaseUrl !== null) {
    if (keyPeppers.length === 0) logger.warn('LATCHKEY_KEY_PEPPER is not set: each key costs a bcrypt comparison at its first use in every process')
    return { url: databaseUrl, directUrl: databaseDirectUrl ?? databaseUrl, isEmbedded: false, peppers: new Peppers(keyPeppers), close: async () => {} }
  }
  const embedded = await openEmbedded({ dataDir, role: 'gateway', logger, signal })
  return { url: embedded.url, directUrl: embedded.url, isEmbedded: true, peppers: new Peppers([...keyPeppers, embedded.pepper]), close: () => embedded.close() }
}

/** Resolves with the URL under which this machine reaches the listener. */
async function listen (app: FastifyInstance, { host, port }: ListenerConfig, what: string): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (err) {
    const reason = err instanceof Error && 'code' in err && err.code === 'EADDRINUSE' ? 'another process listens there' : String(err)
    throw new Error(`the ${what} listener cannot open ${host}:${port}: ${reason}`, { cause: err })
  }
  const { address, family, port: actualPort } = app.server.address() as AddressInfo
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : family === 'IPv6' ? `[${address}]` : address
  return `http://${reachable}:${actualPort}`
}

function pause (ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
