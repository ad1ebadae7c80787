import { type GatewaySnapshot, GatewayMetrics } from './gateway-metrics.ts'
import { Histogram, type HistogramSnapshot } from './histogram.ts'
import type { LimitNumbers } from './limits-families.ts'
import type { KeyNumbers, RegistryParts, UpstreamNumbers, UsageNumbers } from './registry.ts'

/** All that one process which serves requests has counted, as it goes to another process. */
export interface ProcessNumbers {
  readonly gateway: GatewaySnapshot
  readonly limits: LimitNumbers
  readonly keys: KeyNumbers
  readonly usage: Omit<UsageNumbers, 'flushDuration'> & { readonly flushDuration: HistogramSnapshot }
  readonly upstreams: readonly UpstreamNumbers[]
  readonly openStreams: { readonly websockets: number, readonly responses: number }
}

type NumberParts = Pick<RegistryParts, 'gateway' | 'limits' | 'keys' | 'usage' | 'upstreams' | 'openStreams'>

export function numbersOf (parts: NumberParts): ProcessNumbers {
  const usage = parts.usage()
  return {
    gateway: parts.gateway.snapshot(),
    limits: parts.limits(),
    keys: parts.keys(),
    usage: { ...usage, flushDuration: usage.flushDuration.snapshot() },
    upstreams: parts.upstreams(),
    openStreams: parts.openStreams(),
  }
}

/** Of nobody. */
export function noNumbers (): ProcessNumbers {
  return {
    gateway: new GatewayMetrics().snapshot(),
    limits: {
      connections: { open: 0, refusedTotal: 0, refusedAddress: 0, closedForRoom: 0 },
      failures: { networks: 0, forgotten: 0 },
      lookups: { underWay: 0, busy: 0, throttled: 0 },
      load: { level: 'calm', unknown: 0, any: 0 },
    },
    keys: { entries: 0, hits: 0, misses: 0, negativeHits: 0, rechecks: 0, coalesced: 0, invalidations: 0, isStoreUp: true, isListenerUp: true, bcrypt: { running: 0, waiting: 0 } },
    usage: { recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0, flushDuration: new Histogram().snapshot(), spool: { bytes: 0, up: 0, down: 0 } },
    upstreams: [],
    openStreams: { websockets: 0, responses: 0 },
  }
}

/** What remains of a process that has ended: its counts. Rows that waited in its memory are lost where it had no spool. */
export function remainsOf ({ gateway, limits, keys, usage }: ProcessNumbers): ProcessNumbers {
  const nothing = noNumbers()
  return {
    gateway,
    limits: {
      connections: { ...limits.connections, open: 0 },
      failures: { ...limits.failures, networks: 0 },
      lookups: { ...limits.lookups, underWay: 0 },
      load: { ...limits.load, level: 'calm' },
    },
    keys: { ...keys, entries: 0, isStoreUp: true, isListenerUp: true, bcrypt: nothing.keys.bcrypt },
    usage: usageRemainsOf(usage),
    upstreams: nothing.upstreams,
    openStreams: nothing.openStreams,
  }
}

/** Of rows on the disk another process takes over as many as there are; until it has counted them, all count that waited. */
function usageRemainsOf (usage: ProcessNumbers['usage']): ProcessNumbers['usage'] {
  const { waiting, spool } = usage
  const gone = { ...usage, waiting: 0, spool: { bytes: 0, up: 0, down: 0 } }
  return spool.up + spool.down === 0
    ? { ...gone, dropped: usage.dropped + waiting }
    : { ...gone, spooled: usage.spooled + waiting }
}

/** Several processes as one: counts and sizes are added up; what is up has to be up in all; the highest load counts. */
export function sumOf (all: readonly ProcessNumbers[]): ProcessNumbers {
  const gateway = new GatewayMetrics()
  const flushDuration = new Histogram()
  for (const numbers of all) {
    gateway.add(numbers.gateway)
    flushDuration.add(numbers.usage.flushDuration)
  }
  const levels = all.map(({ limits }) => limits.load.level)
  return {
    gateway: gateway.snapshot(),
    limits: {
      connections: added(all.map(({ limits }) => limits.connections)),
      failures: added(all.map(({ limits }) => limits.failures)),
      lookups: added(all.map(({ limits }) => limits.lookups)),
      load: {
        ...added(all.map(({ limits: { load: { unknown, any } } }) => ({ unknown, any }))),
        level: levels.includes('drowning') ? 'drowning' : levels.includes('busy') ? 'busy' : 'calm',
      },
    },
    keys: {
      ...added(all.map(({ keys: { isStoreUp, isListenerUp, bcrypt, ...counts } }) => counts)),
      isStoreUp: all.every(({ keys }) => keys.isStoreUp),
      isListenerUp: all.every(({ keys }) => keys.isListenerUp),
      bcrypt: added(all.map(({ keys }) => keys.bcrypt)),
    },
    usage: {
      ...added(all.map(({ usage: { flushDuration, spool, ...counts } }) => counts)),
      spool: added(all.map(({ usage: { spool } }) => spool)),
      flushDuration: flushDuration.snapshot(),
    },
    upstreams: addedByName(all.flatMap(({ upstreams }) => upstreams)),
    openStreams: added(all.map(({ openStreams }) => openStreams)),
  }
}

/** In the form that the registry reads. */
export function partsOf (numbers: ProcessNumbers): NumberParts {
  const gateway = new GatewayMetrics()
  gateway.add(numbers.gateway)
  const flushDuration = new Histogram()
  flushDuration.add(numbers.usage.flushDuration)
  return {
    gateway,
    limits: () => numbers.limits,
    keys: () => numbers.keys,
    usage: () => ({ ...numbers.usage, flushDuration }),
    upstreams: () => numbers.upstreams,
    openStreams: () => numbers.openStreams,
  }
}

function addedByName (all: readonly UpstreamNumbers[]): UpstreamNumbers[] {
  return [...new Set(all.map(({ name }) => name))].map(name => {
    const of = all.filter(numbers => numbers.name === name).map(({ name: _, ...counts }) => counts)
    return { name, ...added(of) }
  })
}

/** `all` has one at least. */
function added<T extends { readonly [K in keyof T]: number }> (all: readonly T[]): T {
  const sum: Record<string, number> = {}
  for (const numbers of all) {
    for (const [name, value] of Object.entries<number>(numbers)) sum[name] = (sum[name] ?? 0) + value
  }
  return sum as T
}
