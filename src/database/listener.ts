import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ListenSession, NotDeliveredError } from './listen-session.ts'
import { isTransactionPooled } from './pooler.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface ListenerOptions {
  /** A direct or session connection: LISTEN isn't possible through a transaction pooler. */
  readonly connectionString: string
  readonly channel: string
  readonly onNotification: (payload: string) => void
  /** After each LISTEN, the first and every reconnect's: what was notified before is lost. */
  readonly onConnected: () => void
  readonly logger: Logger
  readonly heartbeatMs?: number
  /** How long connecting, each query of it and the first notification may take. */
  readonly openTimeoutMs?: number
}

export interface ListenerStats {
  /** Successful LISTENs since the start. */
  readonly connects: number
  readonly notifications: number
}

const heartbeatDefaultMs = 1_000
/** With the longest pause less than five seconds: an attempt may begin, and hang, just before the database is back. */
const openTimeoutDefaultMs = 2_000
const retryMinMs = 100
const retryMaxMs = 1_000
/** A pooler doesn't go away by itself: this only notices when somebody changes what the URL leads to. */
const pooledRetryMs = 30_000
/** How many heartbeats an answer may take before the connection is given up. */
const beatsMax = 3
/** How many heartbeats an answer counts for. */
const beatsConfirmed = 2

/**
 * Listens on a channel over a connection of its own, for ever: a lost connection, a silent one included, is replaced.
 * Nothing it meets is thrown or left unhandled; it is logged, once per outage.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #heartbeatMs: number
  readonly #closing = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #confirmedAtMs = -Infinity
  #connects = 0
  #notifications = 0
  #isKnownUnpooled = false
  #hasReported = false

  constructor (options: ListenerOptions) {
    this.#options = options
    this.#heartbeatMs = options.heartbeatMs ?? heartbeatDefaultMs
  }

  start (): void {
    this.#running = this.#run()
  }

  /** Whether a notification that was sent up to about two heartbeats ago has certainly arrived by now. */
  isConfirmed (): boolean {
    return performance.now() - this.#confirmedAtMs < this.#heartbeatMs * beatsConfirmed
  }

  stats (): ListenerStats {
    return { connects: this.#connects, notifications: this.#notifications }
  }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run (): Promise<void> {
    const { connectionString, channel, logger, openTimeoutMs = openTimeoutDefaultMs } = this.#options
    let retryMs = retryMinMs
    while (!this.#closing.signal.aborted) {
      const session = new ListenSession({ connectionString, channel, openTimeoutMs, onNotification: (payload) => this.#notified(payload) })
      const abandon = (): void => session.destroy()
      this.#closing.signal.addEventListener('abort', abandon, { once: true })
      try {
        await this.#open(session)
        retryMs = retryMinMs
        await this.#keep(session)
      } catch (err) {
        if (err instanceof NotDeliveredError) retryMs = pooledRetryMs
        this.#report(err)
      } finally {
        this.#confirmedAtMs = -Infinity
        this.#closing.signal.removeEventListener('abort', abandon)
        session.destroy()
      }
      await this.#pause(retryMs * (0.5 + Math.random() / 2), this.#closing.signal)
      retryMs = Math.min(retryMs * 2, retryMaxMs)
    }
    logger.debug({ channel }, 'No longer listening')
  }

  async #open (session: ListenSession): Promise<void> {
    const { connectionString, channel, logger, openTimeoutMs = openTimeoutDefaultMs } = this.#options
    const sentAtMs = performance.now()
    await session.open()
    // A pooler with one idle server connection may well deliver what a session sends to itself.
    if (!this.#isKnownUnpooled && await unlessAborted(isTransactionPooled(connectionString, openTimeoutMs), this.#closing.signal)) throw new NotDeliveredError()
    this.#isKnownUnpooled = true
    this.#connects++
    this.#guard(this.#options.onConnected)
    this.#confirmedAtMs = sentAtMs
    if (this.#hasReported) logger.info({ channel }, 'Listening for changes to keys again')
    this.#hasReported = false
  }

  /** Returns or rejects when the connection is lost. */
  async #keep (session: ListenSession): Promise<void> {
    while (!session.lost.aborted) {
      const sentAtMs = performance.now()
      await session.beat(this.#heartbeatMs * beatsMax)
      this.#confirmedAtMs = sentAtMs
      await this.#pause(this.#heartbeatMs, session.lost)
    }
    throw new Error('The connection was lost')
  }

  #notified (payload: string): void {
    this.#notifications++
    this.#guard(() => this.#options.onNotification(payload))
  }

  #guard (callback: () => void): void {
    try {
      callback()
    } catch (err) {
      this.#options.logger.error({ err }, 'Handling a notification failed')
    }
  }

  #report (err: unknown): void {
    if (this.#closing.signal.aborted || this.#hasReported) return
    this.#hasReported = true
    const { logger, channel } = this.#options
    if (err instanceof NotDeliveredError) {
      logger.error({ channel }, 'Notifications don\'t arrive: the database URL leads through a transaction pooler. ' +
        'Set DATABASE_DIRECT_URL to a direct or session connection; until then, changes to keys are seen late')
    } else {
      logger.warn({ err, channel }, 'Not listening for changes to keys; trying again until it works')
    }
  }

  async #pause (ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => {})
  }
}
