import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { withLibpqTls } from './connection.ts'
import { DroppableClient } from './droppable-client.ts'
import type { TimedQuery } from './timed-query.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface ListenSessionOptions {
  /** A direct or session connection. */
  readonly connectionString: string
  readonly channel: string
  /** How long connecting, and each query of opening, may take. */
  readonly openTimeoutMs: number
  readonly onNotification: (payload: string) => void
}

const farewellMs = 500

/** LISTEN was accepted, and what is sent there doesn't arrive: what a transaction pooler does to it. */
export class NotDeliveredError extends Error {
  override readonly name = 'NotDeliveredError'
}

/** One connection that listens, from `open` until it is lost or `destroy`ed. */
export class ListenSession {
  readonly #options: ListenSessionOptions
  readonly #client: DroppableClient
  readonly #lost = new AbortController()
  #backendPid: number | null = null
  #onSelfTest: (channel: string) => void = () => {}

  constructor (options: ListenSessionOptions) {
    this.#options = options
    this.#client = new DroppableClient({
      connectionString: withLibpqTls(options.connectionString),
      application_name: 'latchkey (listener)',
      connectionTimeoutMillis: options.openTimeoutMs,
      query_timeout: options.openTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    const lost = (): void => this.#lost.abort()
    this.#client.on('error', lost)
    this.#client.on('end', lost)
    this.#client.on('notification', ({ channel, payload }) => {
      if (channel === options.channel) options.onNotification(payload ?? '')
      else this.#onSelfTest(channel)
    })
  }

  /** Aborted once the connection is lost. */
  get lost (): AbortSignal {
    return this.#lost.signal
  }

  /** Connects, listens, and makes sure that notifications arrive. Rejects with a NotDeliveredError when they don't. */
  async open (): Promise<void> {
    // pg leaves connect() pending when the client is ended meanwhile.
    await unlessAborted(this.#client.connect(), this.lost)
    await this.#client.query(`listen ${pg.escapeIdentifier(this.#options.channel)}`)
    await this.#testDelivery()
  }

  /**
   * A round trip over this very connection. As answers and notifications keep their order, its success says that all
   * notifications sent before it have arrived. Rejects when it takes longer than `timeoutMs`.
   */
  async beat (timeoutMs: number): Promise<void> {
    const query: TimedQuery = { text: 'select pg_backend_pid() as pid', query_timeout: timeoutMs }
    const { rows } = await this.#client.query<{ pid: number }>(query)
    const pid = rows[0]?.pid ?? null
    this.#backendPid ??= pid
    // LISTEN was said to another server process than the one that answers now.
    if (pid !== this.#backendPid) throw new NotDeliveredError()
  }

  destroy (): void {
    this.#lost.abort()
    // Polite where the other end still listens; the socket doesn't wait for that.
    this.#client.end().catch(() => {})
    this.#client.dropSoon(farewellMs)
  }

  /** On a channel of its own, so that no other listener is disturbed. */
  async #testDelivery (): Promise<void> {
    const channel = `latchkey_self_test_${randomBytes(8).toString('hex')}`
    const { openTimeoutMs } = this.#options
    await this.#client.query(`listen ${channel}`)
    const arrived = new AbortController()
    this.#onSelfTest = (name) => { if (name === channel) arrived.abort() }
    await this.#client.query('select pg_notify($1, $2)', [channel, ''])
    await delay(openTimeoutMs, undefined, { signal: AbortSignal.any([arrived.signal, this.lost]) }).catch(() => {})
    // Answered after all that was notified before: a server that has only just fallen silent is no pooler.
    await this.#client.query(`unlisten ${channel}`)
    if (!arrived.signal.aborted) throw new NotDeliveredError()
  }
}
