import t from 'tap'
import { GatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import { aggregateNodeMetrics, createNodeRegistry, withRemains } from '../../src/metrics/node-metrics.ts'
import { noNumbers, numbersOf, partsOf, type ProcessNumbers, remainsOf, sumOf } from '../../src/metrics/process-numbers.ts'

function someNumbers (factor: number): ProcessNumbers {
  const gateway = new GatewayMetrics()
  for (let i = 0; i < factor; i++) {
    gateway.requestFinished('read', 'GET', 200, 250)
    gateway.requestFinished('read', 'BREW', 999, 500)
    gateway.upstreamFinished('inventory', 125)
    gateway.upstreamFailed('inventory', 'overloaded')
    gateway.authOutcome('valid')
    gateway.pipeliningOverflowed()
  }
  const flushDuration = new Histogram()
  flushDuration.observe(factor)
  const nothing = partsOf(noNumbers())
  return numbersOf({
    ...nothing,
    gateway,
    limits: () => ({ ...nothing.limits(), load: { level: factor > 1 ? 'busy' : 'calm', unknown: factor, any: 0 } }),
    keys: () => ({ ...nothing.keys(), entries: factor, hits: 10 * factor, isStoreUp: factor === 1 }),
    upstreams: () => [{ name: 'inventory', connecting: 0, busy: factor, idle: 1, waiting: 0 }],
    usage: () => ({ recorded: 10 * factor, recovered: 0, written: 6 * factor, dropped: factor, waiting: 3 * factor, spooled: 0, flushDuration, spool: { bytes: 100 * factor, up: 1, down: 0 } }),
  })
}

t.test('what is counted survives the way to another process, and adds up', async t => {
  const overTheChannel = (numbers: ProcessNumbers): ProcessNumbers => JSON.parse(JSON.stringify(numbers))
  const sum = sumOf([overTheChannel(someNumbers(1)), overTheChannel(someNumbers(2))])
  t.same(sum.gateway, someNumbers(3).gateway)
  t.equal(sum.keys.hits, 30)
  t.same(sum.upstreams, [{ name: 'inventory', connecting: 0, busy: 3, idle: 2, waiting: 0 }])
  t.equal(sum.keys.isStoreUp, false, 'up only where it is in all')
  t.equal(sum.limits.load.level, 'busy', 'the highest')
  t.same({ ...sum.usage, flushDuration: null }, { recorded: 30, recovered: 0, written: 18, dropped: 3, waiting: 9, spooled: 0, flushDuration: null, spool: { bytes: 300, up: 2, down: 0 } })
  t.equal(partsOf(sum).usage().flushDuration.cumulative().sum, 3)
  t.same(sumOf([noNumbers(), someNumbers(2)]), someNumbers(2))
})

t.test('of a process that has ended, the counts remain, and rows that waited are lost where it had no spool', async t => {
  const ended = someNumbers(2)
  t.match(remainsOf(ended).usage, { recorded: 20, written: 12, dropped: 2, waiting: 0, spooled: 6, spool: { bytes: 0, up: 0, down: 0 } })
  const remains = remainsOf({ ...ended, usage: { ...ended.usage, spool: { bytes: 0, up: 0, down: 0 } } })
  t.same(remains.gateway, someNumbers(2).gateway)
  t.match(remains.usage, { recorded: 20, written: 12, dropped: 8, waiting: 0 })
  t.match(remains.keys, { entries: 0, hits: 20, isStoreUp: true })
  t.equal(remains.limits.load.level, 'calm')
})

t.test("Node's own: times and memory are added, of the event loop's delay the worst counts, counts of the dead remain", async t => {
  const registry = createNodeRegistry()
  const metrics = await registry.getMetricsAsJSON()
  const valueOf = async (name: string, of: ReturnType<typeof aggregateNodeMetrics>) => (await of.getSingleMetric(name)!.get()).values[0]!.value
  const own = (name: string) => metrics.find(metric => metric.name === name)!.values[0]!.value
  const both = aggregateNodeMetrics([metrics, metrics, withRemains(withRemains([], metrics), metrics)])
  t.equal(await valueOf('process_resident_memory_bytes', both), 2 * own('process_resident_memory_bytes'))
  t.equal(await valueOf('process_start_time_seconds', both), own('process_start_time_seconds'))
  t.equal(await valueOf('nodejs_eventloop_lag_p99_seconds', both), own('nodejs_eventloop_lag_p99_seconds'))
  t.ok(Math.abs(await valueOf('process_cpu_user_seconds_total', both) - 4 * own('process_cpu_user_seconds_total')) < 1e-9)
  t.match(await both.metrics(), /nodejs_version_info\{[^}]*\} 1/)
})
