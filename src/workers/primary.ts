import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Config } from '../config/config.ts'
import type { Front, FrontOptions } from '../front.ts'
import { BcryptBusyError } from '../keys/bcrypt.ts'
import { RouteTable } from '../routes/route-table.ts'
import { shutdown } from '../serving.ts'
import { Acceptor } from './acceptor.ts'
import { Fleet } from './fleet.ts'
import type { Compared, FromWorker } from './messages.ts'
import { Tally } from './tally.ts'
import type { Worker } from './worker.ts'

/** What a worker may take for its part of the shutdown, beyond its own deadlines. */
const farewellMs = 10_000
/** For handing over the connections that arrived last. */
const handOverMs = 1_000
/** Short, since the path of a socket is made of it. */
const spoolFamilyBytes = 4
const spoolShareBytesMin = 1024 ** 2

/**
 * Serves by workers, each a process that does all that a request needs. This one, the primary, accepts connections,
 * runs the one bcrypt process, adds up what the workers count, and sees to it that there are enough of them. Resolves
 * when all take connections; rejects, with all of them ended, where they can't start.
 */
export async function startWorkers (options: FrontOptions): Promise<Front> {
  const { config, database, bcrypt, failures, logger } = options
  let newest = { version: 1, config }
  let isSchemaComplete = false
  let isReady = false
  let hasExamined = false
  let onReached: () => void = () => {}

  if (options.workers > availableParallelism()) logger.warn({ workers: options.workers, cores: availableParallelism() }, 'more workers than cores: they share them')
  const spoolFamily = `${randomBytes(spoolFamilyBytes).toString('hex')}-`
  const fleet = new Fleet({ size: options.workers, spoolFamily, onMessage, onEnd, greet, logger })
  const acceptor = new Acceptor({ config: config.gateway, workers: available, logger })
  const tally = new Tally({ ...options, fleet, connections: () => acceptor.stats(), isConfigCurrent: () => options.isConfigCurrent() && isApplied() })
  try {
    await fleet.start()
  } catch (err) {
    await fleet.close({ type: 'drain' }, farewellMs)
    throw err
  }

  return {
    registry: tally,
    listen: async at => await acceptor.listen(at),
    address: () => acceptor.address(),
    hasReachedStore: () => isReady,
    async reachStore (callback) {
      isSchemaComplete = true
      const reached = new Promise<void>(resolve => { onReached = resolve })
      for (const worker of fleet.all) reachStore(worker)
      await reached
      callback()
    },
    replaceRoutes (changed: Config) {
      // Throws here where it would in each worker. All else stays as it was at the start, for workers to come as well.
      const { routes } = new RouteTable(changed.routes)
      newest = { version: newest.version + 1, config: { ...config, upstreams: changed.upstreams, routes } }
      fleet.broadcast({ type: 'config', ...newest })
    },
    async drain () {
      await acceptor.close(handOverMs)
      await fleet.close({ type: 'drain' }, shutdown.drainMs + shutdown.usageFlushMs + farewellMs)
    },
    close: async () => await fleet.close({ type: 'drain' }, farewellMs),
  }

  /** Those that have reached the key store are served first: another has an empty cache, and may be unable to fill it. */
  function available (): readonly Worker[] {
    const reached = fleet.up.filter(({ hasReachedStore }) => hasReachedStore)
    return reached.length > 0 ? reached : fleet.up
  }

  function isApplied (): boolean {
    return fleet.up.every(({ configVersion }) => configVersion === newest.version)
  }

  function greet (worker: Worker): void {
    worker.send({
      type: 'start',
      number: worker.number,
      config: withSpoolShare(newest.config, options.workers),
      configVersion: newest.version,
      databaseUrl: database.url,
      databaseDirectUrl: database.directUrl,
      peppers: database.peppers.map(pepper => pepper.toString('base64')),
      logLevel: options.environment.logLevel,
      dataDir: options.environment.dataDir,
      spoolName: worker.spoolName,
      spoolFamily,
      isReady,
    })
    const known = failures.known()
    if (known.length > 0) worker.send({ type: 'failures', failures: known })
    if (isSchemaComplete) reachStore(worker)
  }

  function reachStore (worker: Worker): void {
    worker.send({ type: 'reachStore', examines: !hasExamined })
    hasExamined = true
  }

  function onMessage (message: FromWorker, worker: Worker): void {
    switch (message.type) {
      case 'up':
        acceptor.distribute()
        return tally.bequeath()
      case 'reachedStore': return reachedStore(worker)
      case 'accepted': return acceptor.accepted(worker, message.id)
      case 'missed': return acceptor.missed(worker, message.id)
      case 'closed': return acceptor.closed(worker, message.ids)
      case 'numbers': return tally.take(worker, message)
      case 'usage': return tally.takeUsage(worker, message.usage)
      case 'inherited': return tally.inherited(worker, message)
      case 'drained':
        tally.take(worker, { id: null, ...message })
        return worker.disconnect()
      case 'applied':
        worker.configVersion = message.version
        break
      case 'failed': return readyIfAllHaveReached()
      case 'failures':
        failures.add(message.failures)
        return fleet.broadcast(message, worker)
      case 'compare':
        compare(message.key, message.hash).then(answer => worker.send({ type: 'compared', id: message.id, ...answer }), () => {})
    }
  }

  function reachedStore (worker: Worker): void {
    worker.hasReachedStore = true
    acceptor.distribute()
    readyIfAllHaveReached()
  }

  /** One that is on its way out, or whose successor can't start, isn't waited for. */
  function readyIfAllHaveReached (): void {
    if (isReady || fleet.up.length === 0 || !fleet.up.every(({ hasReachedStore }) => hasReachedStore)) return
    isReady = true
    fleet.broadcast({ type: 'ready' })
    onReached()
  }

  function onEnd (worker: Worker): void {
    tally.ended(worker)
    tally.bequeath()
    acceptor.ended(worker)
    readyIfAllHaveReached()
  }

  async function compare (key: string, hash: string): Promise<Compared> {
    try {
      return { isMatch: await bcrypt.compare(key, hash) }
    } catch (err) {
      return { fault: err instanceof BcryptBusyError ? 'busy' : 'failed', message: err instanceof Error ? err.message : String(err) }
    }
  }
}

/** The bound is one for all, but each needs room for a few segments. */
function withSpoolShare (config: Config, workers: number): Config {
  return { ...config, usage: { ...config.usage, spoolBytesMax: Math.max(Math.floor(config.usage.spoolBytesMax / workers), spoolShareBytesMin) } }
}
