import type { Logger } from 'pino'
import { type Server, type ServerOptions, startServer } from '../server.ts'
import { tuneCollector } from './tune-collector.ts'

export interface ServeOptions extends Omit<ServerOptions, 'onFatal' | 'signal'> {
  readonly logger: Logger
}

/**
 * Starts the server, hands it to `whenListening`, and resolves when it has closed in order after SIGTERM or SIGINT,
 * which also end a start that isn't done. A second signal ends the process at once. Rejects with what made the server
 * fail, after closing it.
 */
export async function serve (options: ServeOptions, whenListening: (server: Server) => Promise<void>): Promise<void> {
  tuneCollector()
  const { logger } = options
  const { promise: stopped, resolve: stop, reject: fail } = withResolvers()
  // Awaited only once the server listens; a signal that comes before must not be an unhandled rejection.
  stopped.catch(() => {})
  const interruption = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (interruption.signal.aborted) process.exit(1)
    logger.info({ signal }, 'shutting down')
    interruption.abort()
    stop()
  }
  let server: Server | null = null
  // While it starts it reads the file anyway.
  const onHangup = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'reading the configuration file again')
    server?.reload()
  }
  const onUncaught = (err: unknown) => {
    logger.fatal({ err }, 'uncaught error; shutting down')
    fail(err)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('uncaughtException', onUncaught)
  process.on('SIGHUP', onHangup)
  try {
    server = await startServer({ ...options, signal: interruption.signal, onFatal: fail })
    await Promise.race([whenListening(server), stopped])
    await stopped
  } catch (err) {
    if (err !== interruption.signal.reason) throw err
  } finally {
    await server?.close()
    logger.info('closed')
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
    process.off('SIGHUP', onHangup)
    process.off('uncaughtException', onUncaught)
  }
}

function withResolvers (): { promise: Promise<void>, resolve: () => void, reject: (err: unknown) => void } {
  let resolve!: () => void
  let reject!: (err: unknown) => void
  const promise = new Promise<void>((_resolve, _reject) => {
    resolve = _resolve
    reject = _reject
  })
  return { promise, resolve, reject }
}
