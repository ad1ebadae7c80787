import t from 'tap'
import { GatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import type { LimitNumbers } from '../../src/metrics/limits-families.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import type { KeyNumbers, RegistryParts, UsageNumbers } from '../../src/metrics/registry.ts'
import { parseExposition } from './exposition.ts'
import type { Family } from './exposition.ts'

const keyNumbers: KeyNumbers = {
  entries: 1,
  hits: 2,
  misses: 3,
  negativeHits: 4,
  rechecks: 5,
  coalesced: 6,
  invalidations: 7,
  isStoreUp: true,
  isListenerUp: true,
  bcrypt: { running: 8, waiting: 9 },
}

const noLimits: LimitNumbers = {
  connections: { open: 0, refusedTotal: 0, refusedAddress: 0, closedForRoom: 0 },
  failures: { networks: 0, forgotten: 0 },
  lookups: { underWay: 0, busy: 0, throttled: 0 },
  load: { level: 'calm', unknown: 0, any: 0 },
}

function setUp (more: Partial<RegistryParts> = {}) {
  const gateway = new GatewayMetrics()
  const registry = createRegistry({ gateway, limits: () => noLimits, keys: () => keyNumbers, usage: noUsage(), upstreams: () => [{ name: 'inventory', connecting: 12, busy: 13, idle: 14, waiting: 15 }], openStreams: () => ({ websockets: 10, responses: 11 }), isConfigCurrent: () => true, version: '1.2.3', ...more })
  return { gateway, scrape: async () => parseExposition(await registry.metrics()) }
}

function noUsage (): () => UsageNumbers {
  const flushDuration = new Histogram()
  return () => ({ recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0, flushDuration, spool: { bytes: 0, up: 1, down: 0 } })
}

function valueOf (families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  return family?.samples.find((sample) => sample.name === name &&
    Object.keys(sample.labels).length === Object.keys(labels).length &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value
}

t.test('every name of the contract is there, with its type and labels', async (t) => {
  const { gateway, scrape } = setUp()
  gateway.requestFinished('read', 'GET', 200, 1)
  gateway.upstreamFinished('inventory', 1)
  gateway.upstreamFailed('inventory', 'overloaded')
  gateway.authOutcome('valid')
  const families = await scrape()
  const expected: Record<string, [type: string, ...labels: string[]]> = {
    latchkey_requests_total: ['counter', 'code', 'method', 'route'],
    latchkey_request_duration_seconds: ['histogram', 'le', 'route'],
    latchkey_upstream_duration_seconds: ['histogram', 'le', 'upstream'],
    latchkey_upstream_failures_total: ['counter', 'code', 'upstream'],
    latchkey_auth_total: ['counter', 'outcome'],
    latchkey_key_cache_total: ['counter', 'result'],
    latchkey_key_cache_entries: ['gauge'],
    latchkey_bcrypt_running: ['gauge'],
    latchkey_bcrypt_waiting: ['gauge'],
    latchkey_key_invalidations_total: ['counter'],
    latchkey_key_store_up: ['gauge'],
    latchkey_key_listener_up: ['gauge'],
    latchkey_usage_rows_total: ['counter', 'result'],
    latchkey_usage_waiting_rows: ['gauge'],
    latchkey_usage_spooled_rows: ['gauge'],
    latchkey_usage_spool_up: ['gauge'],
    latchkey_usage_spool_bytes: ['gauge'],
    latchkey_usage_flush_duration_seconds: ['histogram', 'le'],
    latchkey_upstream_connections: ['gauge', 'state', 'upstream'],
    latchkey_upstream_waiting_requests: ['gauge', 'upstream'],
    latchkey_open_streams: ['gauge', 'kind'],
    latchkey_pipelining_overflows_total: ['counter'],
    latchkey_connections: ['gauge'],
    latchkey_connections_refused_total: ['counter', 'reason'],
    latchkey_connections_closed_for_room_total: ['counter'],
    latchkey_failing_addresses: ['gauge'],
    latchkey_failing_addresses_forgotten_total: ['counter'],
    latchkey_key_lookups: ['gauge'],
    latchkey_key_lookups_refused_total: ['counter', 'reason'],
    latchkey_overload_level: ['gauge'],
    latchkey_shed_requests_total: ['counter', 'kind'],
    latchkey_config_last_reload_success: ['gauge'],
    latchkey_build_info: ['gauge', 'node', 'version'],
  }
  t.same([...families.keys()].filter((name) => name.startsWith('latchkey_')).sort(), Object.keys(expected).sort())
  for (const [name, [type, ...labels]] of Object.entries(expected)) {
    const family = families.get(name)
    t.equal(family?.type, type, name)
    t.same([...new Set(family?.samples.flatMap((sample) => Object.keys(sample.labels)))].sort(), labels, name)
  }
  t.ok(families.has('process_cpu_seconds_total'))
  t.ok(families.has('nodejs_eventloop_lag_seconds'))
})

t.test('the parts\' numbers arrive where they belong', async (t) => {
  let isConfigCurrent = true
  let isStoreUp = true
  let isListenerUp = true
  const { scrape } = setUp({ keys: () => ({ ...keyNumbers, isStoreUp, isListenerUp }), isConfigCurrent: () => isConfigCurrent })
  const families = await scrape()
  t.equal(valueOf(families, 'latchkey_key_cache_entries'), 1)
  for (const [result, value] of Object.entries({ hit: 2, miss: 3, negative_hit: 4, recheck: 5, coalesced: 6 })) {
    t.equal(valueOf(families, 'latchkey_key_cache_total', { result }), value)
  }
  t.equal(valueOf(families, 'latchkey_key_invalidations_total'), 7)
  t.equal(valueOf(families, 'latchkey_bcrypt_running'), 8)
  t.equal(valueOf(families, 'latchkey_bcrypt_waiting'), 9)
  t.equal(valueOf(families, 'latchkey_key_store_up'), 1)
  t.equal(valueOf(families, 'latchkey_key_listener_up'), 1)
  for (const [state, value] of Object.entries({ connecting: 12, busy: 13, idle: 14 })) {
    t.equal(valueOf(families, 'latchkey_upstream_connections', { upstream: 'inventory', state }), value)
  }
  t.equal(valueOf(families, 'latchkey_upstream_waiting_requests', { upstream: 'inventory' }), 15)
  t.equal(valueOf(families, 'latchkey_open_streams', { kind: 'websocket' }), 10)
  t.equal(valueOf(families, 'latchkey_open_streams', { kind: 'response' }), 11)
  t.equal(valueOf(families, 'latchkey_config_last_reload_success'), 1)
  t.equal(valueOf(families, 'latchkey_build_info', { version: '1.2.3', node: process.version }), 1)
  isConfigCurrent = false
  isListenerUp = false
  const unheard = await scrape()
  t.equal(valueOf(unheard, 'latchkey_key_store_up'), 1)
  t.equal(valueOf(unheard, 'latchkey_key_listener_up'), 0)
  isStoreUp = false
  const later = await scrape()
  t.equal(valueOf(later, 'latchkey_key_store_up'), 0)
  t.equal(valueOf(later, 'latchkey_config_last_reload_success'), 0)
})

t.test('requests are counted by route, method and code', async (t) => {
  const { gateway, scrape } = setUp()
  for (let i = 0; i < 3; i++) gateway.requestFinished('read', 'GET', 200, 10)
  gateway.requestFinished('read', 'GET', 499, 40)
  gateway.requestFinished('read', 'DELETE', 403, 0.1)
  gateway.requestFinished('none', 'GET', 404, 0.1)
  const families = await scrape()
  const requests = (route: string, method: string, code: string) => valueOf(families, 'latchkey_requests_total', { route, method, code })
  t.equal(requests('read', 'GET', '200'), 3)
  t.equal(requests('read', 'GET', '499'), 1)
  t.equal(requests('read', 'DELETE', '403'), 1)
  t.equal(requests('none', 'GET', '404'), 1)
  t.equal(families.get('latchkey_requests_total')?.samples.length, 4)
  t.equal(valueOf(families, 'latchkey_request_duration_seconds_count', { route: 'read' }), 5)
  t.equal(valueOf(families, 'latchkey_request_duration_seconds_bucket', { route: 'read', le: '0.01' }), 4)
  t.equal(valueOf(families, 'latchkey_request_duration_seconds_bucket', { route: 'read', le: '0.05' }), 5)
})

t.test('failures of upstreams are counted by upstream and code', async (t) => {
  const { gateway, scrape } = setUp()
  for (let i = 0; i < 3; i++) gateway.upstreamFailed('inventory', 'upstream_timeout')
  gateway.upstreamFailed('inventory', 'overloaded')
  gateway.upstreamFailed('orders', 'overloaded')
  const families = await scrape()
  const failures = (upstream: string, code: string) => valueOf(families, 'latchkey_upstream_failures_total', { upstream, code })
  t.equal(failures('inventory', 'upstream_timeout'), 3)
  t.equal(failures('inventory', 'overloaded'), 1)
  t.equal(failures('orders', 'overloaded'), 1)
  t.equal(families.get('latchkey_upstream_failures_total')?.samples.length, 3)
})

t.test('nothing that a client or an upstream makes up becomes a label', async (t) => {
  const { gateway, scrape } = setUp()
  for (let i = 0; i < 50; i++) gateway.requestFinished('read', `MADE-UP-${i}`, 200, 1)
  for (const method of ['get', '__proto__', 'constructor', '', 'GET\n']) gateway.requestFinished('read', method, 200, 1)
  for (const code of [0, 99, 600, 999, NaN, -1, 1e9, 200.5]) gateway.requestFinished('read', 'GET', code, 1)
  const { samples = [] } = (await scrape()).get('latchkey_requests_total') ?? {}
  t.same([...new Set(samples.map(({ labels }) => labels.method))].sort(), ['GET', 'OTHER'])
  t.same([...new Set(samples.map(({ labels }) => labels.code))].sort(), ['200', 'other'])
  t.equal(samples.reduce((sum, { value }) => sum + value, 0), 63)
})

t.test('usage adds up in every scrape, however many overlap', async (t) => {
  // Each read finds another state, as if rows moved on between any two of the scrape's asynchronous steps.
  const flushDuration = new Histogram()
  const rows = { recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0 }
  let isOver = false
  const move = () => {
    rows.recorded += 7
    rows.waiting += 2
    rows.written += 4
    rows.dropped += 1
    if (!isOver) queueMicrotask(() => { if (!isOver) setImmediate(move) })
  }
  t.teardown(() => { isOver = true })
  move()
  const { scrape } = setUp({ usage: () => ({ ...rows, flushDuration, spool: { bytes: 4096, up: 1, down: 1 } }) })
  for (let round = 0; round < 10; round++) {
    for (const families of await Promise.all([scrape(), scrape(), scrape()])) {
      const result = (name: string) => valueOf(families, 'latchkey_usage_rows_total', { result: name }) ?? NaN
      t.ok(result('recorded') > 0)
      t.equal(result('recorded') + result('recovered'), result('written') + result('dropped') +
        (valueOf(families, 'latchkey_usage_waiting_rows') ?? NaN) + (valueOf(families, 'latchkey_usage_spooled_rows') ?? NaN))
    }
  }
})

t.test('counters never fall from one scrape to the next', async (t) => {
  const { gateway, scrape } = setUp()
  let last = 0
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < round; i++) gateway.requestFinished('read', 'GET', 200, round)
    const count = valueOf(await scrape(), 'latchkey_requests_total', { route: 'read', method: 'GET', code: '200' }) ?? NaN
    t.equal(count, last + round)
    last = count
  }
})

t.test('what is turned away', async (t) => {
  const { scrape } = setUp({
    limits: () => ({
      connections: { open: 1, refusedTotal: 2, refusedAddress: 3, closedForRoom: 4 },
      failures: { networks: 5, forgotten: 6 },
      lookups: { underWay: 7, busy: 8, throttled: 9 },
      load: { level: 'drowning', unknown: 10, any: 11 },
    }),
  })
  const families = await scrape()
  const expected: [name: string, labels: Record<string, string>, value: number][] = [
    ['latchkey_connections', {}, 1],
    ['latchkey_connections_refused_total', { reason: 'total' }, 2],
    ['latchkey_connections_refused_total', { reason: 'address' }, 3],
    ['latchkey_connections_closed_for_room_total', {}, 4],
    ['latchkey_failing_addresses', {}, 5],
    ['latchkey_failing_addresses_forgotten_total', {}, 6],
    ['latchkey_key_lookups', {}, 7],
    ['latchkey_key_lookups_refused_total', { reason: 'busy' }, 8],
    ['latchkey_key_lookups_refused_total', { reason: 'throttled' }, 9],
    ['latchkey_overload_level', {}, 2],
    ['latchkey_shed_requests_total', { kind: 'unknown' }, 10],
    ['latchkey_shed_requests_total', { kind: 'any' }, 11],
  ]
  for (const [name, labels, value] of expected) t.equal(valueOf(families, name, labels), value, name)
})
