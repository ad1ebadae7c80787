import type { Logger } from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'
import type { FailureBudget } from '../limits/failure-budget.ts'
import { aggregateNodeMetrics, createNodeRegistry, type NodeMetrics, withRemains } from '../metrics/node-metrics.ts'
import { noNumbers, partsOf, type ProcessNumbers, remainsOf, sumOf } from '../metrics/process-numbers.ts'
import { createProductRegistry } from '../metrics/registry.ts'
import { Estate, settlement } from './estate.ts'
import type { Fleet } from './fleet.ts'
import type { UsageCounts } from './messages.ts'
import type { Worker } from './worker.ts'

export interface TallyOptions {
  readonly fleet: Fleet
  readonly connections: () => { readonly open: number, readonly refusedTotal: number, readonly refusedAddress: number }
  readonly failures: FailureBudget
  readonly bcrypt: { stats (): { readonly running: number, readonly waiting: number } }
  readonly isConfigCurrent: () => boolean
  /** Of the product. */
  readonly version: string
  readonly logger: Logger
}

interface Report {
  readonly id: number | null
  readonly numbers: ProcessNumbers
  readonly node: NodeMetrics | null
}

/** A worker that doesn't answer within this time doesn't hold up a scrape: what it told last counts. */
const answerWithinMs = 1_000

/**
 * The metrics of all workers as one. Each is asked when they are scraped, and tells its numbers once a second besides;
 * what one that has died had counted stays in, so that no counter ever falls.
 */
export class Tally {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #options: TallyOptions
  readonly #own = createNodeRegistry()
  readonly #answers = new Map<number, { readonly waitsFor: Set<Worker>, readonly resolve: () => void }>()
  #gone = noNumbers()
  #goneNode: NodeMetrics = []
  readonly #estate = new Estate()
  #lastId = 0

  constructor (options: TallyOptions) {
    this.#options = options
  }

  take (worker: Worker, { id, numbers, node }: Report): void {
    worker.numbers = numbers
    if (node !== null) worker.node = node
    if (id !== null) this.#answered(worker, id)
  }

  takeUsage (worker: Worker, usage: UsageCounts): void {
    const { numbers } = worker
    worker.numbers = { ...numbers, usage: { ...usage, flushDuration: numbers.usage.flushDuration } }
  }

  /** What it had counted is kept as it told it last. */
  ended (worker: Worker): void {
    const { waiting, spooled, spool } = worker.numbers.usage
    const hasSpool = spool.up + spool.down > 0
    // Also one that hadn't told of a spool may have taken over another's.
    this.#estate.add(worker, hasSpool ? waiting + spooled : 0)
    if (!hasSpool && waiting > 0) this.#options.logger.error({ worker: worker.number, pid: worker.pid, rows: waiting }, 'usage rows lost: they waited in a worker that ended, and had no spool')
    this.#gone = sumOf([this.#gone, remainsOf(worker.numbers)])
    this.#goneNode = withRemains(this.#goneNode, worker.node)
    for (const id of this.#answers.keys()) this.#answered(worker, id)
  }

  /** Has a worker take over the spools of those that have ended, where there is one for it. */
  bequeath (): void {
    const heir = this.#options.fleet.up.find(({ heirOf }) => heirOf.length === 0)
    if (heir === undefined) return
    heir.heirOf = this.#estate.take()
    if (heir.heirOf.length > 0) heir.send({ type: 'inherit', names: heir.heirOf })
  }

  /** The worker has taken over what it was told to. */
  inherited (worker: Worker, { rows, usage }: { readonly rows: number, readonly usage: UsageCounts }): void {
    const rowsTold = this.#estate.settle(worker.heirOf)
    worker.heirOf = []
    this.takeUsage(worker, usage)
    this.#gone = sumOf([this.#gone, settlement(rowsTold, rows)])
    const rowsLost = rowsTold - rows
    if (rowsLost > 0) this.#options.logger.error({ rows: rowsLost }, 'usage rows lost: they were recorded less than a tenth of a second before their worker was killed, or its spool was damaged')
    this.bequeath()
  }

  /** The text of `/metrics`. */
  async metrics (): Promise<string> {
    const own = await this.#own.getMetricsAsJSON()
    await this.#askAll()
    // From here on nothing is awaited before all is read, so that it belongs together.
    const { fleet, version, isConfigCurrent } = this.#options
    const parts = partsOf(this.#sum())
    const registry = createProductRegistry({ ...parts, isConfigCurrent, version })
    addWorkers(registry, fleet)
    const node = aggregateNodeMetrics([own, ...fleet.all.map(worker => worker.node), this.#goneNode])
    return `${await registry.metrics()}\n${await node.metrics()}`
  }

  #sum (): ProcessNumbers {
    const { fleet, connections, failures, bcrypt } = this.#options
    const { up } = fleet
    const sum = sumOf([this.#gone, ...fleet.all.map(({ numbers }) => numbers)])
    return {
      ...sum,
      limits: { ...sum.limits, connections: { ...sum.limits.connections, ...connections() }, failures: failures.stats() },
      keys: { ...sum.keys, isStoreUp: sum.keys.isStoreUp && up.length > 0, isListenerUp: sum.keys.isListenerUp && up.length > 0, bcrypt: bcrypt.stats() },
    }
  }

  async #askAll (): Promise<void> {
    const id = ++this.#lastId
    const asked = this.#options.fleet.up
    if (asked.length === 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, answerWithinMs)
      this.#answers.set(id, { waitsFor: new Set(asked), resolve: () => { clearTimeout(timer); resolve() } })
      for (const worker of asked) worker.send({ type: 'sendNumbers', id })
    })
    this.#answers.delete(id)
  }

  #answered (worker: Worker, id: number): void {
    const answer = this.#answers.get(id)
    answer?.waitsFor.delete(worker)
    if (answer?.waitsFor.size === 0) answer.resolve()
  }
}

function addWorkers (registry: Registry, fleet: Fleet): void {
  const registers = [registry]
  new Gauge({ name: 'latchkey_workers', help: 'Workers that take connections.', registers }).set(fleet.up.length)
  new Counter({ name: 'latchkey_worker_restarts_total', help: 'Workers started in place of others that had ended.', registers }).inc(fleet.replacements)
}
