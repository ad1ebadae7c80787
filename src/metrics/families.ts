import { Counter, Gauge, Histogram as PromHistogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Histogram } from './histogram.ts'

/**
 * Metric families whose numbers live elsewhere and are read when scraped. The registry calls every family's collect()
 * in one synchronous run, so what one scrape shows belongs together. Each collect starts from reset(): values handed
 * out to an earlier scrape, still being written out, are then never touched again.
 */
export class Families {
  readonly #registry: Registry

  constructor (registry: Registry) {
    this.#registry = registry
  }

  counter (name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect () {
        counter.reset()
        for (const [labels, value] of read()) counter.inc(labels, value)
      },
    })
  }

  gauge (name: string, help: string, read: () => number, labels: Record<string, string> = {}): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      collect () {
        gauge.reset()
        gauge.set(labels, read())
      },
    })
  }

  gauges (name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect () {
        gauge.reset()
        for (const [labels, value] of read()) gauge.set(labels, value)
      },
    })
  }

  histogram (name: string, help: string, read: () => Iterable<readonly [labels: Record<string, string>, Histogram]>): void {
    this.#registry.registerMetric(new HistogramFamily(name, help, read))
  }
}

export type Sample = readonly [labels: Record<string, string>, value: number]

type Described = ReturnType<PromHistogram['get']>

class HistogramFamily extends PromHistogram {
  readonly #read: () => Iterable<readonly [Record<string, string>, Histogram]>
  /** Never observed: lends its name, help and type to what is read elsewhere. */
  readonly #shape: PromHistogram

  constructor (name: string, help: string, read: () => Iterable<readonly [Record<string, string>, Histogram]>) {
    super({ name, help, registers: [] })
    this.#read = read
    this.#shape = new PromHistogram({ name, help, registers: [] })
  }

  override async get (): Described {
    // Read before anything is awaited, with the scrape's other numbers.
    const values = [...this.#read()].flatMap(([labels, histogram]) => exposed(this.name, labels, histogram))
    return { ...await this.#shape.get(), values }
  }

  /** What the registry calls instead of get() on a histogram; prom-client's types don't declare it. */
  async getForPromString (): Described {
    return await this.get()
  }

  /** prom-client sets it, its types don't say so. */
  declare readonly name: string
}

function exposed (name: string, labels: Record<string, string>, histogram: Histogram) {
  const { counts, count, sum } = histogram.cumulative()
  return [
    ...counts.map((value, i) => ({ metricName: `${name}_bucket`, labels: { ...labels, le: String(histogram.bounds[i]) }, value })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
