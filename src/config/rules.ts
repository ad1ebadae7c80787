import { parseRange } from './address.ts'
import { grammars } from './grammar.ts'
import { isListenHost, sharesAddress } from './hosts.ts'
import { isKeyHeader } from './key-header.ts'
import { asList, asMap, asText } from './loose.ts'
import type { LooseMap } from './loose.ts'
import type { ConfigOverrides } from './overrides.ts'
import { routeFaults } from './route-rules.ts'
import type { ValueFault } from './schema-faults.ts'
import { nameOf, quote } from './schema-faults.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'
import type { ValuePath } from './yaml-source.ts'

/** What setTimeout can hold, rounded to something that a person would write: it fires at once beyond 2^31 - 1 ms. */
const DURATION_MS_MAX = 24 * 86_400_000
const FLUSH_EVERY_MS_MAX = 3_600_000
/** A hundred years. Less than a day would drop what a report of yesterday needs. */
const RETENTION_MS = { min: 86_400_000, max: 36_525 * 86_400_000 } as const
/** A spool has to hold a few segments of each worker. */
const SPOOL_BYTES_MIN = 16 * 1024 ** 2
const SIZE_BYTES_MAX = 1024 ** 4
const TARGET = new RegExp(grammars.target.pattern)
const SIZE = new RegExp(grammars.size.pattern)
/** `key_prefix` has 20 characters: brand, environment, two underscores, four characters of the key. */
const KEY_WORDS_CHARS_MAX = 14

/**
 * What the schema can't say. The value may break the schema: what doesn't have the right type is passed over, the
 * schema's own faults speak of it, so that all faults of a file come out at once.
 */
export function ruleFaults (value: unknown, overrides: ConfigOverrides): ValueFault[] {
  const faults: ValueFault[] = []
  const fault = (path: ValuePath, message: string): void => {
    faults.push({ path, part: 'value', message: `${nameOf(path)} ${message}` })
  }
  const root = asMap(value)
  checkListeners(asMap(root.gateway), asMap(root.admin), overrides, fault)
  checkTrustProxy(asMap(root.gateway).trustProxy, fault)
  checkUnits(root, [], fault)
  checkKeys(asMap(root.keys), fault)
  for (const [name, upstream] of Object.entries(asMap(root.upstreams))) checkTargets(['upstreams', name, 'targets'], asMap(upstream).targets, fault)
  faults.push(...routeFaults(asList(root.routes).map(asMap), asMap(root.upstreams)))
  return faults
}

type Fault = (path: ValuePath, message: string) => void

function checkListeners (gateway: LooseMap, admin: LooseMap, overrides: ConfigOverrides, fault: Fault): void {
  for (const [name, { host }] of [['gateway', gateway], ['admin', admin]] as const) {
    if (typeof host === 'string' && !isListenHost(host)) fault([name, 'host'], 'must be an IP address without brackets or a host name, without a port')
  }
  const port = overrides.port ?? gateway.port
  const hosts = [overrides.host ?? gateway.host, overrides.adminHost ?? admin.host].map((host) => asText(host) ?? '')
  if (typeof port === 'number' && port !== 0 && port === (overrides.adminPort ?? admin.port) && sharesAddress(hosts[0] ?? '', hosts[1] ?? '')) {
    fault(['admin', 'port'], `is the gateway's port too, ${port}: change one`)
  }
}

function checkTrustProxy (ranges: unknown, fault: Fault): void {
  for (const [index, range] of asList(ranges).entries()) {
    if (typeof range !== 'string') continue
    const wrong = new RegExp(grammars.cidr.pattern).test(range) ? trustedRangeFault(range) : null
    if (wrong !== null) fault(['gateway', 'trustProxy', index], wrong)
  }
}

function trustedRangeFault (text: string): string | null {
  const range = parseRange(text)
  if (range === null) return `is no address range: ${quote(text)}. Addresses are written in full, and the bits of a range beyond its prefix are zeros, as in 10.0.0.0/8`
  if (range.prefixBits > 0) return null
  return `must not trust every address, as ${quote(text)} does: any client could then choose the address that it is taken for. Name the proxies' own addresses`
}

/** Walks every setting: those that hold a duration or a size are told by their names. */
function checkUnits (value: unknown, path: ValuePath, fault: Fault): void {
  if (typeof value === 'string') return checkUnit(value, path, fault)
  // Lists hold no settings of their own but routes do, and an upstream's or route's name is no setting's name.
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(asMap(value))
  for (const [key, child] of entries) checkUnits(child, [...path, key], fault)
}

function checkUnit (text: string, path: ValuePath, fault: Fault): void {
  const key = String(path.at(-1))
  if (/^(ttl|negativeTtl|serveCachedFor|flushEvery|per|eventLoopDelayMax|.*Timeout)$/.test(key)) {
    const ms = parseDuration(text)
    const max = key === 'flushEvery' ? FLUSH_EVERY_MS_MAX : DURATION_MS_MAX
    if (ms !== null && (ms < 1 || ms > max)) fault(path, `must be 1ms to ${formatDuration(max)}`)
  } else if (key === 'retention') {
    const ms = parseDuration(text)
    if (ms !== null && (ms < RETENTION_MS.min || ms > RETENTION_MS.max)) fault(path, `must be ${formatDuration(RETENTION_MS.min)} to ${formatDuration(RETENTION_MS.max)}`)
  } else if (key === 'bodyBytesMax' || key === 'spoolBytesMax') {
    // Beyond exact numbers a size parses as null; anything else that isn't one is the schema's to report.
    const bytes = parseSize(text) ?? (SIZE.test(text) ? Infinity : 1)
    const min = key === 'spoolBytesMax' ? SPOOL_BYTES_MIN : 1
    if (bytes < min || bytes > SIZE_BYTES_MAX) fault(path, `must be ${formatSize(min)} to ${formatSize(SIZE_BYTES_MAX)}`)
  }
}

function checkKeys (keys: LooseMap, fault: Fault): void {
  const { header, brand = 'sk', environments } = keys
  if (typeof header === 'string' && !isKeyHeader(header)) fault(['keys', 'header'], `can't be ${quote(header)}: that header has another meaning`)
  if (typeof brand !== 'string') return
  for (const [index, environment] of asList(environments).entries()) {
    if (typeof environment === 'string' && brand.length + environment.length > KEY_WORDS_CHARS_MAX) {
      fault(['keys', 'environments', index], `is too long: brand and environment together may have ${KEY_WORDS_CHARS_MAX} characters`)
    }
  }
}

function checkTargets (path: ValuePath, targets: unknown, fault: Fault): void {
  const seen = new Set<string>()
  for (const [index, target] of asList(targets).entries()) {
    if (typeof target !== 'string' || !TARGET.test(target)) continue
    const url = URL.canParse(target) ? new URL(target) : null
    if (url === null || url.port === '0') fault([...path, index], 'has an invalid host or port')
    else if (seen.has(url.origin) && asList(targets).indexOf(target) === index) fault([...path, index], `is the same server as another target, ${url.origin}`)
    else seen.add(url.origin)
  }
}
