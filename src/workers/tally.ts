import type { Logger } from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'
import type { FailureBudget } from '../limits/failure-budget.ts'
import { aggregateNodeMetrics, createNodeRegistry, type NodeMetrics, withRemains } from '../metrics/node-metrics.ts'
import { noNumbers, partsOf, type ProcessNumbers, remainsOf, sumOf } from '../metrics/process-numbers.ts'
import { createProductRegistry } from '../metrics/registry.ts'
import type { Fleet } from './fleet.ts'
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
  #lastId = 0

  constructor (options: TallyOptions) {
    this.#options = options
  }

  take (worker: Worker, { id, numbers, node }: Report): void {
    worker.numbers = numbers
    if (node !== null) worker.node = node
    if (id !== null) this.#answered(worker, id)
  }

  /** What it had counted is kept as it told it last. */
  ended (worker: Worker): void {
    const { waiting } = worker.numbers.usage
    if (waiting > 0) this.#options.logger.error({ worker: worker.number, pid: worker.pid, rows: waiting }, 'usage rows lost: they waited in a worker that ended. More may have been recorded since its last report')
    this.#gone = sumOf([this.#gone, remainsOf(worker.numbers)])
    this.#goneNode = withRemains(this.#goneNode, worker.node)
    for (const id of this.#answers.keys()) this.#answered(worker, id)
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
