import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { Peppers } from '../keys/digest.ts'
import { FailureBudget } from '../limits/failure-budget.ts'
import { createNodeRegistry } from '../metrics/node-metrics.ts'
import { numbersOf, type ProcessNumbers } from '../metrics/process-numbers.ts'
import { createServing, type Serving } from '../serving.ts'
import { Batch } from './batch.ts'
import type { FromWorker, ToWorker, UsageCounts, WorkerStart } from './messages.ts'
import { RemoteBcrypt } from './remote-bcrypt.ts'

/** Others hear of a failure this much later, and the primary of a connection that was closed. */
const batchMs = 20
const reportEveryMs = 1_000

export interface ServingWorkerOptions {
  readonly start: WorkerStart
  readonly send: (message: FromWorker) => void
  readonly logger: Logger
}

/** A worker's own life: serves the connections that the primary hands over, and tells it what it counts. */
export class ServingWorker {
  readonly #serving: Serving
  readonly #send: (message: FromWorker) => void
  readonly #bcrypt: RemoteBcrypt
  readonly #failures: FailureBudget
  readonly #shared: SharedState
  readonly #node = createNodeRegistry()
  readonly #closed: Batch<number>
  readonly #ticker: NodeJS.Timeout
  #lastConnectionId = 0

  static async create (options: ServingWorkerOptions): Promise<ServingWorker> {
    const { start, send, logger } = options
    const shared: SharedState = { isReady: start.isReady, reportUsage: () => {} }
    const bcrypt = new RemoteBcrypt((id, key, hash) => send({ type: 'compare', id, key, hash }))
    const taken = new Batch<string>(batchMs, networks => send({ type: 'failures', failures: counted(networks) }))
    const failures = new FailureBudget({ ...start.config.gateway.failureBudget, onTaken: network => taken.add(network) })
    const { config } = start
    const serving = await createServing({
      // The primary counts the connections of all workers.
      config: { ...config, gateway: { ...config.gateway, connectionsMax: Infinity, connectionsPerAddressMax: Infinity } },
      database: { url: start.databaseUrl, directUrl: start.databaseDirectUrl, peppers: new Peppers(start.peppers.map(text => Buffer.from(text, 'base64'))) },
      bcrypt,
      failures,
      spool: { dataDir: start.dataDir, name: start.spoolName, isInherited: name => name.startsWith(start.spoolFamily) },
      // What the primary isn't told before this worker is killed, it finds on the disk.
      onUsageMoved: () => shared.reportUsage(),
      isReady: () => shared.isReady,
      logger,
    })
    await serving.gateway.ready()
    // It never listens itself; node:http begins to look after time-outs with this event.
    serving.gateway.server.emit('listening')
    return new ServingWorker(options, { serving, bcrypt, failures, shared })
  }

  private constructor ({ start, send }: ServingWorkerOptions, parts: { serving: Serving, bcrypt: RemoteBcrypt, failures: FailureBudget, shared: SharedState }) {
    this.#serving = parts.serving
    this.#bcrypt = parts.bcrypt
    this.#failures = parts.failures
    this.#shared = parts.shared
    this.#send = send
    this.#closed = new Batch(batchMs, ids => send({ type: 'closed', ids }))
    this.#ticker = setInterval(() => { this.#report(null).catch(() => {}) }, reportEveryMs).unref()
    this.#shared.reportUsage = () => send({ type: 'usage', usage: this.#usage() })
    send({ type: 'applied', version: start.configVersion })
    send({ type: 'up' })
  }

  handle (message: Exclude<ToWorker, { type: 'start' | 'drain' }>, socket: Socket | undefined): void {
    switch (message.type) {
      case 'connection': return this.#serve(message.id, socket)
      case 'hasArrived':
        // One is passed at a time: nothing came behind it.
        if (message.id !== this.#lastConnectionId) this.#send({ type: 'missed', id: message.id })
        return
      case 'config':
        this.#serving.replaceRoutes(message.config)
        return this.#send({ type: 'applied', version: message.version })
      case 'reachStore':
        this.#serving.reachStore({ examines: message.examines, onReached: () => this.#send({ type: 'reachedStore' }) }).catch(() => {})
        return
      case 'ready':
        this.#shared.isReady = true
        return
      case 'sendNumbers':
        this.#report(message.id).catch(() => {})
        return
      case 'failures': return this.#failures.add(message.failures)
      case 'compared': return this.#bcrypt.answer(message.id, message)
      case 'inherit':
        this.#serving.inheritUsage(message.names, rows => this.#send({ type: 'inherited', rows, usage: this.#usage() })).catch(() => {})
        return
      case 'closeIdle': this.#serving.connections.closeIdle(message.connectionsMax)
    }
  }

  /** Ends in order. Resolves with what is left to tell the primary. */
  async close (): Promise<FromWorker> {
    await this.#serving.drain()
    await this.#serving.close()
    clearInterval(this.#ticker)
    this.#closed.flush()
    const node = await this.#node.getMetricsAsJSON()
    return { type: 'drained', numbers: this.#numbers(), node }
  }

  #serve (id: number, socket: Socket | undefined): void {
    this.#lastConnectionId = id
    this.#send({ type: 'accepted', id })
    // It was gone before it came here.
    if (socket === undefined) return this.#closed.add(id)
    socket.once('close', () => this.#closed.add(id))
    // As a server's own: the other side may end its half and still get its answer (half-close.ts).
    socket.allowHalfOpen = true
    this.#serving.gateway.server.emit('connection', socket)
  }

  #numbers (): ProcessNumbers {
    return numbersOf(this.#serving.numbers)
  }

  #usage (): UsageCounts {
    const { flushDuration: _, ...counts } = this.#serving.numbers.usage()
    return counts
  }

  async #report (id: number | null): Promise<void> {
    const node = id === null ? null : await this.#node.getMetricsAsJSON()
    this.#send({ type: 'numbers', id, numbers: this.#numbers(), node })
  }
}

interface SharedState {
  isReady: boolean
  reportUsage: () => void
}

function counted (networks: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const network of networks) counts.set(network, (counts.get(network) ?? 0) + 1)
  return [...counts]
}
