import { Registry, collectDefaultMetrics } from 'prom-client'
import { Families } from './families.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import type { Histogram } from './histogram.ts'
import { addLimits, type LimitNumbers } from './limits-families.ts'

/**
 * The metrics. Their names are part of the public contract, dashboards depend on them. Everything is read from the
 * parts when scraped. No label takes a path, a key or anything else that a client chooses.
 */
export function createRegistry (parts: RegistryParts): Registry {
  const registry = createProductRegistry(parts)
  collectDefaultMetrics({ register: registry })
  return registry
}

/** The same without Node's own metrics, each of which is one process's. */
export function createProductRegistry (parts: RegistryParts): Registry {
  const registry = new Registry()
  const families = new Families(registry)
  addGateway(families, parts.gateway)
  addLimits(families, parts.limits)
  addUpstreams(families, parts.upstreams)
  addKeys(families, parts.keys)
  addUsage(families, parts.usage)
  families.gauges('latchkey_open_streams', 'Forwarded requests that have not ended, by kind: WebSockets and all others.', ['kind'],
    function * () {
      const { websockets, responses } = parts.openStreams()
      yield [{ kind: 'websocket' }, websockets]
      yield [{ kind: 'response' }, responses]
    })
  families.gauge('latchkey_config_last_reload_success', 'Whether the configuration file as it stands is the one in force.',
    () => Number(parts.isConfigCurrent()))
  families.gauge('latchkey_build_info', 'Always 1; the labels say which version runs.',
    () => 1, { version: parts.version, node: process.version })
  return registry
}

export interface RegistryParts {
  readonly gateway: GatewayMetrics
  /** Called several times a scrape, all in one synchronous run. */
  readonly limits: () => LimitNumbers
  /** Called several times a scrape, all in one synchronous run. */
  readonly keys: () => KeyNumbers
  /** Called several times a scrape, all in one synchronous run. */
  readonly usage: () => UsageNumbers
  /** Called several times a scrape, all in one synchronous run. */
  readonly upstreams: () => readonly UpstreamNumbers[]
  readonly openStreams: () => { readonly websockets: number, readonly responses: number }
  readonly isConfigCurrent: () => boolean
  /** Of the product. */
  readonly version: string
}

/** Of one upstream: its connections by what they are doing, and the requests that wait for one. */
export interface UpstreamNumbers {
  readonly name: string
  readonly connecting: number
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

export interface KeyNumbers {
  readonly entries: number
  readonly hits: number
  readonly misses: number
  readonly negativeHits: number
  readonly rechecks: number
  readonly coalesced: number
  readonly invalidations: number
  readonly isStoreUp: boolean
  readonly isListenerUp: boolean
  readonly bcrypt: { readonly running: number, readonly waiting: number }
}

/** recorded + recovered = written + dropped + waiting + spooled, at every moment. */
export interface UsageNumbers {
  readonly recorded: number
  readonly recovered: number
  readonly written: number
  readonly dropped: number
  readonly waiting: number
  readonly spooled: number
  readonly flushDuration: Histogram
  readonly spool: SpoolNumbers
}

/** Of a process, or several: how many of them have a spool that works, or one that doesn't; neither where there is none. */
export interface SpoolNumbers {
  readonly bytes: number
  readonly up: number
  readonly down: number
}

function addGateway (families: Families, gateway: GatewayMetrics): void {
  families.counter('latchkey_requests_total', 'Requests answered, by route (none: no route matched), method and status code.',
    ['route', 'method', 'code'],
    function * () {
      for (const { count, ...labels } of gateway.requests()) yield [labels, count]
    })
  families.histogram('latchkey_request_duration_seconds', 'From a request\'s head to the end of its response.',
    function * () {
      for (const [route, histogram] of gateway.requestDurations()) yield [{ route }, histogram]
    })
  families.histogram('latchkey_upstream_duration_seconds', 'From forwarding a request to the head of the upstream\'s response.',
    function * () {
      for (const [upstream, histogram] of gateway.upstreamDurations()) yield [{ upstream }, histogram]
    })
  families.counter('latchkey_pipelining_overflows_total', 'Connections ended because too many pipelined requests, of all connections, waited for their turns.', [],
    () => [[{}, gateway.pipeliningOverflows]])
  families.counter('latchkey_upstream_failures_total', 'Forwarded requests that failed by their upstream\'s fault, by the code of the problem; overloaded: all of its targets were busy.',
    ['upstream', 'code'],
    function * () {
      for (const { count, ...labels } of gateway.upstreamFailures()) yield [labels, count]
    })
  families.counter('latchkey_auth_total', 'Outcomes of checking who sends a request.', ['outcome'],
    function * () {
      for (const [outcome, count] of gateway.authOutcomes()) yield [{ outcome }, count]
    })
}

function addUpstreams (families: Families, upstreams: () => readonly UpstreamNumbers[]): void {
  families.gauges('latchkey_upstream_connections', 'Connections to an upstream, by what they are doing.', ['upstream', 'state'],
    function * () {
      for (const { name, connecting, busy, idle } of upstreams()) {
        yield [{ upstream: name, state: 'connecting' }, connecting]
        yield [{ upstream: name, state: 'busy' }, busy]
        yield [{ upstream: name, state: 'idle' }, idle]
      }
    })
  families.gauges('latchkey_upstream_waiting_requests', 'Requests that wait for a connection to an upstream.', ['upstream'],
    function * () {
      for (const { name, waiting } of upstreams()) yield [{ upstream: name }, waiting]
    })
}

function addKeys (families: Families, keys: () => KeyNumbers): void {
  families.counter('latchkey_key_cache_total', 'Lookups in the key cache, by result.', ['result'], () => {
    const { hits, misses, negativeHits, rechecks, coalesced } = keys()
    return [
      [{ result: 'hit' }, hits],
      [{ result: 'miss' }, misses],
      [{ result: 'negative_hit' }, negativeHits],
      [{ result: 'recheck' }, rechecks],
      [{ result: 'coalesced' }, coalesced],
    ]
  })
  families.gauge('latchkey_key_cache_entries', 'Keys in the cache.', () => keys().entries)
  families.gauge('latchkey_bcrypt_running', 'bcrypt comparisons under way.', () => keys().bcrypt.running)
  families.gauge('latchkey_bcrypt_waiting', 'bcrypt comparisons in the queue.', () => keys().bcrypt.waiting)
  families.counter('latchkey_key_invalidations_total', 'Notifications of keys that changed in the database.', [],
    () => [[{}, keys().invalidations]])
  families.gauge('latchkey_key_store_up', 'Whether the key store answered when last asked.', () => Number(keys().isStoreUp))
  families.gauge('latchkey_key_listener_up', 'Whether changes to keys are known to arrive.', () => Number(keys().isListenerUp))
}

function addUsage (families: Families, usage: () => UsageNumbers): void {
  families.counter('latchkey_usage_rows_total',
    'Usage rows, by what became of them. recorded + recovered = written + dropped + waiting + spooled.', ['result'], () => {
      const { recorded, recovered, written, dropped } = usage()
      return [
        [{ result: 'recorded' }, recorded],
        [{ result: 'recovered' }, recovered],
        [{ result: 'written' }, written],
        [{ result: 'dropped' }, dropped],
      ]
    })
  families.gauge('latchkey_usage_waiting_rows', 'Usage rows in memory, not yet written.', () => usage().waiting)
  families.gauge('latchkey_usage_spooled_rows', 'Usage rows on disk, not yet written.', () => usage().spooled)
  families.gauges('latchkey_usage_spool_up', 'Whether usage rows that wait are safe on disk. Left out where usage.spool is off.', [], function * () {
    const { up, down } = usage().spool
    if (up + down > 0) yield [{}, Number(down === 0)]
  })
  families.gauge('latchkey_usage_spool_bytes', 'Bytes of the usage spool on disk.', () => usage().spool.bytes)
  families.histogram('latchkey_usage_flush_duration_seconds', 'Time to write one batch of usage rows.',
    () => [[{}, usage().flushDuration]])
}
