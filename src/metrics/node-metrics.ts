import { AggregatorRegistry, collectDefaultMetrics, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client'

/** Node's own metrics of one process, as they go to another. */
export type NodeMetrics = readonly MetricObjectWithValues<MetricValue<string>>[]

export function createNodeRegistry (): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/**
 * Those of several processes as one, the main one's first: times, memory and handles are added up, of event loops the
 * one that is worst off counts, and what is the same for all or can't be added is the main one's.
 */
export function aggregateNodeMetrics (all: readonly NodeMetrics[]): Registry {
  return AggregatorRegistry.aggregate(all.map(metrics => metrics.map(metric => ({ ...metric, aggregator: aggregatorOf(metric.name) }))))
}

/** What processes that have ended had counted, and one more. */
export function withRemains (gone: NodeMetrics, node: NodeMetrics): NodeMetrics {
  const counts = node.filter(({ type }) => isCount(type))
  const others = gone.filter(({ name }) => !counts.some(metric => metric.name === name))
  return [...others, ...counts.map(metric => ({ ...metric, values: added(gone.find(({ name }) => name === metric.name)?.values ?? [], metric.values) }))]
}

function added (before: readonly MetricValue<string>[], values: readonly MetricValue<string>[]): MetricValue<string>[] {
  const sums = new Map<string, MetricValue<string>>()
  for (const entry of [...before, ...values]) {
    const { value, ...series } = entry
    const key = JSON.stringify(series)
    sums.set(key, { ...entry, value: value + (sums.get(key)?.value ?? 0) })
  }
  return [...sums.values()]
}

function aggregatorOf (name: string): 'first' | 'min' | 'max' | 'sum' {
  if (/^(nodejs_version_info|process_start_time_seconds|process_max_fds)$/.test(name)) return 'first'
  if (name === 'nodejs_eventloop_lag_min_seconds') return 'min'
  return name.startsWith('nodejs_eventloop_lag_') ? 'max' : 'sum'
}

/** prom-client's type says that it is a number; it is a word. */
function isCount (type: unknown): boolean {
  return type === 'counter' || type === 'histogram'
}
