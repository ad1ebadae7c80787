import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An IPv4 or IPv6 address. `String(address)` is its one canonical text: dotted decimal, or RFC 5952's. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface AddressRange {
  readonly network: Address
  readonly prefixBits: number
}

/** What a /64 leaves of an IPv6 address: a single customer has at least that many addresses. */
const networkParts = 4
const mappedBits = 96

/**
 * Reads an address, or gives null. IPv4 has four decimal parts without leading zeros, nothing else. IPv6 has no zone.
 * An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address that it stands for.
 */
export function parseAddress (text: string): Address | null {
  const address = parseUnmapped(text)
  return address !== null && isMapped(address) ? address.toIPv4Address() : address
}

/** Of the other end of a connection, as node:net tells it: a link-local address comes with the interface that it was met on. */
export function parsePeer (remoteAddress: string | undefined): Address | null {
  return parseAddress(remoteAddress?.replace(/%.*/, '') ?? '')
}

/**
 * Reads an address or a CIDR, or gives null. Bits beyond the prefix must be zero. A range of IPv4-mapped IPv6 addresses
 * is the IPv4 range that it stands for; one that is wider than all of those isn't any.
 */
export function parseRange (text: string): AddressRange | null {
  const slash = text.indexOf('/')
  const address = parseUnmapped(slash === -1 ? text : text.slice(0, slash))
  if (address === null) return null
  const bitsMax = address.kind() === 'ipv4' ? 32 : 128
  const bitsText = slash === -1 ? String(bitsMax) : text.slice(slash + 1)
  const bits = Number(bitsText)
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(bitsText) || bits > bitsMax || !hasZerosBeyond(address, bits)) return null
  if (!isMapped(address)) return { network: address, prefixBits: bits }
  return bits < mappedBits ? null : { network: address.toIPv4Address(), prefixBits: bits - mappedBits }
}

/**
 * Whom limits count as one: an IPv4 address, or the /64 of an IPv6 one (as its first address with `/64`). Behind
 * NAT64's well-known prefix (RFC 6052) it is the IPv4 address, or one /64 would be the whole of IPv4.
 */
export function networkOf (address: Address): string {
  if (address.kind() === 'ipv4') return String(address)
  const { parts } = address as ipaddr.IPv6
  if (parts[0] === 0x64 && parts[1] === 0xff9b && parts.slice(2, 6).every(part => part === 0)) {
    const [high = 0, low = 0] = parts.slice(6)
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  }
  return `${new ipaddr.IPv6([...parts.slice(0, networkParts), 0, 0, 0, 0])}/64`
}

/** A set of ranges. */
export class AddressRanges {
  readonly #ranges: readonly AddressRange[]

  /** Addresses and CIDRs as `parseRange` reads them; throws RangeError at what it doesn't. */
  constructor (texts: readonly string[]) {
    this.#ranges = texts.map(text => {
      const range = parseRange(text)
      if (range === null) throw new RangeError(`no address range: ${text}`)
      return range
    })
  }

  get isEmpty (): boolean {
    return this.#ranges.length === 0
  }

  includes (address: Address): boolean {
    return this.#ranges.some(({ network, prefixBits }) => network.kind() === address.kind() && address.match(network, prefixBits))
  }
}

/** node:net's notion of an address is the strict one; ipaddr.js also reads octal, hexadecimal and shortened parts. */
function parseUnmapped (text: string): Address | null {
  if (text.includes('%')) return null
  switch (isIP(text)) {
    case 4: return ipaddr.IPv4.parse(text)
    case 6: return ipaddr.IPv6.parse(withoutDots(text))
    default: return null
  }
}

/** IPv6's dotted tail in hexadecimal: ipaddr.js takes `::192.0.2.1` for `::ffff:192.0.2.1`. */
function withoutDots (text: string): string {
  const tailStart = text.lastIndexOf(':') + 1
  const [a = 0, b = 0, c, d] = text.slice(tailStart).split('.').map(Number)
  return c === undefined || d === undefined ? text : `${text.slice(0, tailStart)}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`
}

function isMapped (address: Address): address is ipaddr.IPv6 {
  return address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()
}

function hasZerosBeyond (address: Address, prefixBits: number): boolean {
  return address.toByteArray().every((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, prefixBits - index * 8)))) === 0)
}
