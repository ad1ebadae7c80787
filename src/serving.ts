import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Closers } from './closers.ts'
import { AddressRanges } from './config/address.ts'
import type { Config } from './config/config.ts'
import { Listener } from './database/listener.ts'
import { createPool } from './database/pool.ts'
import { logShortcomings } from './database/shortcomings.ts'
import { Connections } from './gateway/connections.ts'
import { Drain } from './gateway/drain.ts'
import { createGateway } from './gateway/index.ts'
import { OpenRequests } from './gateway/open-requests.ts'
import type { BcryptComparer } from './keys/bcrypt.ts'
import type { Peppers } from './keys/digest.ts'
import { EarlierUses } from './keys/earlier-uses.ts'
import { redactKeys } from './keys/format.ts'
import { firstUseQueries, KeyStore } from './keys/store.ts'
import { Verifier } from './keys/verifier.ts'
import { EventLoopLoad } from './limits/event-loop-load.ts'
import type { FailureBudget } from './limits/failure-budget.ts'
import { LookupLanes } from './limits/lookup-lanes.ts'
import { GatewayMetrics } from './metrics/gateway-metrics.ts'
import type { RegistryParts } from './metrics/registry.ts'
import { RouteTable } from './routes/route-table.ts'
import { createEngine } from './upstreams/engines.ts'
import { UpstreamSet } from './upstreams/upstream-set.ts'
import { UsageMaintenance } from './usage/maintenance.ts'
import { NoUsage, type UsageSink } from './usage/no-usage.ts'
import { keptUserAgent } from './usage/privacy.ts'
import { UsageRecorder } from './usage/recorder.ts'
import { Spool } from './usage/spool/spool.ts'
import { PostgresUsageStore } from './usage/stores/postgres.ts'

/** What the shutdown waits for, and for how long. */
export const shutdown = { idleGraceMs: 1_000, eventStreamsMs: 10_000, drainMs: 30_000, usageFlushMs: 15_000, earlierUsesMs: 2_000, poolsMs: 250 } as const
/** Lookups must fail fast, so that cached keys go on; a flush may take its time. */
const queryTimeoutMs = { keys: 2_000, usage: 30_000, maintenance: 40_000 } as const
/** Whoever hangs in connecting when the database is back finds that out no sooner. */
const connectTimeoutMs = 2_000
/** How long an answer may be outstanding when the database has just come back without its connection being given up. */
const suspectAfterMs = 1_000
const firstProbeEveryMs = 500

const connectionsMax = { keys: 4, usage: 2, maintenance: 1 } as const
/** Database connections that one of these takes: those of the pools, and one that listens. */
export const databaseConnectionsMax = connectionsMax.keys + connectionsMax.usage + connectionsMax.maintenance + 1

export interface ServingOptions {
  readonly config: Config
  readonly database: { readonly url: string, readonly directUrl: string, readonly peppers: Peppers }
  readonly bcrypt: BcryptComparer
  readonly failures: FailureBudget
  readonly spool: SpoolPlace
  /** Usage rows have come from one place to another, or are about to be removed from the disk. */
  readonly onUsageMoved?: () => void
  /** What `/-/ready` says while this doesn't drain. */
  readonly isReady: () => boolean
  readonly logger: Logger
}

/** Where a process keeps its usage rows on disk. */
export interface SpoolPlace {
  readonly dataDir: string
  /** Never used before. */
  readonly name: string
  /** Whether what a process of that name leaves, should it die, will be given to one of us. */
  readonly isInherited?: (name: string) => boolean
}

/** All that serves requests in one process: this one, or a worker. */
export interface Serving {
  /** Doesn't listen yet. */
  readonly gateway: FastifyInstance
  readonly connections: Connections
  /** For the registry. */
  readonly numbers: Pick<RegistryParts, 'gateway' | 'limits' | 'keys' | 'usage' | 'upstreams' | 'openStreams'>
  hasReachedStore (): boolean
  /** Resolves when the key store was reached, or at `close`. Says in the log what is wrong with the database, where it `examines` that. */
  reachStore (options: { readonly examines: boolean, readonly onReached: () => void }): Promise<void>
  /** Swaps routes and upstreams, both in one turn of the event loop: no request sees a route without its upstream. */
  replaceRoutes (config: Config): void
  /** See UsageRecorder. */
  inheritUsage (names: readonly string[], taken: (rows: number) => void): Promise<void>
  /** Ends what serves: stops accepting, waits for requests under way, flushes usage. */
  drain (): Promise<void>
  /** Closes what is below. */
  close (): Promise<void>
}

export async function createServing (options: ServingOptions): Promise<Serving> {
  const above = new Closers(options.logger)
  const below = new Closers(options.logger)
  try {
    return await compose(options, above, below)
  } catch (err) {
    await above.close()
    await below.close()
    throw err
  }
}

async function compose ({ config, database, bcrypt, failures, spool, logger, ...options }: ServingOptions, above: Closers, below: Closers): Promise<Serving> {
  let isDraining = false
  const stop = new AbortController()
  const keyPool = createPool({
    connectionString: database.url,
    applicationName: 'latchkey keys',
    connectionsMax: connectionsMax.keys,
    // Kept, so that the first use of a key after a quiet time doesn't wait for one.
    connectionsMin: connectionsMax.keys,
    prepares: firstUseQueries,
    queryTimeoutMs: queryTimeoutMs.keys,
    connectTimeoutMs,
    logger,
  })
  below.add('key pool', () => keyPool.endWithin(shutdown.poolsMs))
  const usagePool = createPool({ connectionString: database.url, applicationName: 'latchkey usage', connectionsMax: connectionsMax.usage, queryTimeoutMs: queryTimeoutMs.usage, connectTimeoutMs, logger })
  below.add('usage pool', () => usagePool.endWithin(shutdown.poolsMs))
  const engine = await createEngine(config.gateway.engine)
  const upstreams = new UpstreamSet(config.upstreams, engine.openPool)
  below.add('upstreams', () => upstreams.close())

  const load = new EventLoopLoad({ delayMaxMs: config.gateway.eventLoopDelayMaxMs, logger })
  below.add('load', () => load.close())
  const lookups = new LookupLanes({ budget: failures, isOverloaded: () => load.shedsUnknown() })
  const connections = new Connections({ ...config.gateway, trusted: new AddressRanges(config.gateway.trustProxy), logger })

  const listener = new Listener({
    connectionString: database.directUrl,
    channel: 'latchkey_keys',
    onNotification: payload => verifier.handleNotification(payload),
    // What was said while nobody listened is lost: everything known is checked again on its next use.
    onConnected: () => {
      if (listener.stats().connects > 1) keyPool.renew({ busyForMs: suspectAfterMs })
      keyPool.fill()
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
    // No request is admitted before its row can be spooled.
    onStoreReached: async () => await usage.startSpool(),
    logger,
  })
  below.add('verifier', () => verifier.close())
  const recordsUsage = config.usage.store !== 'none'
  const earlierUses = new EarlierUses({
    pool: keyPool,
    // Where no usage is recorded, nothing of a client is.
    keptOf: userAgent => recordsUsage ? keptUserAgent(userAgent, config.usage.privacy) : null,
    logger,
  })
  below.add('uses of earlier secrets', () => earlierUses.close({ timeoutMs: shutdown.earlierUsesMs }))
  listener.start()
  below.add('listener', () => listener.close())
  const usageStore = new PostgresUsageStore(usagePool)
  const Usage = config.usage.store === 'none' ? NoUsage : UsageRecorder
  const usage: UsageSink = new Usage({
    store: usageStore,
    spool: config.usage.spool
      ? {
          open: async () => await Spool.open({ ...spool, installationId: await usageStore.installationId(), logger }),
          isInherited: spool.isInherited,
          bytesMax: config.usage.spoolBytesMax,
          whenFull: config.usage.whenSpoolIsFull,
          fsync: config.usage.fsync,
        }
      : undefined,
    flushEveryMs: config.usage.flushEveryMs,
    flushRows: config.usage.flushRows,
    logger,
    redact: redactKeys,
    privacy: config.usage.privacy,
    onMoved: options.onUsageMoved,
  })
  let maintenance: UsageMaintenance | undefined
  if (recordsUsage) {
    const pool = createPool({ connectionString: database.url, applicationName: 'latchkey maintenance', connectionsMax: connectionsMax.maintenance, connectionsMin: 0, queryTimeoutMs: queryTimeoutMs.maintenance, connectTimeoutMs, logger })
    below.add('maintenance pool', () => pool.endWithin(shutdown.poolsMs))
    maintenance = new UsageMaintenance({ pool, retentionMs: config.usage.retentionMs, logger })
    below.add('usage maintenance', () => maintenance?.close({ timeoutMs: shutdown.poolsMs }))
  }
  const metrics = new GatewayMetrics()
  const openRequests = new OpenRequests(verifier.watch, earlierUses)
  below.add('open requests', () => openRequests.close())
  let routeTable = new RouteTable(config.routes)

  above.add('usage', () => usage.close({ timeoutMs: shutdown.usageFlushMs }))
  const gateway = await createGateway({
    config,
    routeTable: () => routeTable,
    upstreams,
    verifier,
    usage,
    openRequests,
    earlierUses,
    connections,
    failures,
    load,
    metrics,
    engine,
    isReady: () => !isDraining && options.isReady(),
    isDraining: () => isDraining,
    logger,
  })
  const drain = new Drain(gateway.server, connections, openRequests)
  above.add('gateway listener', async () => {
    const brokenOff = await drain.run({ idleGraceMs: shutdown.idleGraceMs, eventStreamsMs: shutdown.eventStreamsMs, deadlineMs: shutdown.drainMs })
    if (brokenOff > 0) logger.warn({ connections: brokenOff }, 'connections still busy at the end of the drain were broken off')
    await gateway.close()
  })

  // A batch sent before an outage may wait on a connection to a server that is gone. Being written once is the batch's id's to see to.
  function resumeUsage (): void {
    usagePool.renew({ busyForMs: suspectAfterMs })
    usage.retryNow()
  }

  return {
    gateway,
    connections,
    numbers: {
      gateway: metrics,
      limits: () => ({ connections: connections.stats(), failures: failures.stats(), lookups: lookups.stats(), load: load.stats() }),
      keys: () => ({ ...verifier.stats(), isListenerUp: listener.isConfirmed() }),
      usage: () => usage.stats(),
      upstreams: () => upstreams.stats(),
      openStreams: () => openRequests.stats(),
    },
    hasReachedStore: () => verifier.hasReachedStore,
    async reachStore ({ examines, onReached }) {
      const examine = async () => await logShortcomings(keyPool, database.peppers.ids, logger)
      let isExamined = !examines
      while (!stop.signal.aborted && !await verifier.probe()) {
        isExamined ||= await examine()
        await pause(firstProbeEveryMs)
      }
      if (stop.signal.aborted) return
      await usage.startSpool()
      if (stop.signal.aborted) return
      onReached()
      // Not before: the tables may not be there yet.
      maintenance?.start()
      if (!isExamined) await examine()
    },
    replaceRoutes (changed) {
      const changedTable = new RouteTable(changed.routes)
      upstreams.replace(changed.upstreams)
      routeTable = changedTable
    },
    inheritUsage: async (names, taken) => await usage.inherit(names, taken),
    async drain () {
      isDraining = true
      stop.abort()
      await above.close()
    },
    async close () {
      stop.abort()
      await above.close()
      await below.close()
    },
  }
}

function pause (ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
