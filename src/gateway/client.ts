import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { type Address, type AddressRanges, networkOf, parseAddress, parsePeer } from '../config/address.ts'
import { isRequestHost } from '../config/hosts.ts'
import { headerLine } from '../upstreams/header-lines.ts'

/** Who sends a request, as far as it is believed. */
export interface Client {
  /** In canonical text; empty where the connection is gone already. */
  readonly address: string
  /** Whom limits count: the IPv4 address, or the IPv6 /64. */
  readonly network: string
  readonly scheme: 'http' | 'https'
  /** What a trusted proxy says that the client's Host was; null where the request's own Host stands. */
  readonly forwardedHost: string | null
  /** For the upstream: X-Forwarded-For, with the client's address and behind it those of the trusted proxies up to us, and X-Forwarded-Proto. */
  readonly forwardedLines: string
  /** The other end of the connection is a trusted proxy. */
  readonly isForwarded: boolean
}

/** Addresses of X-Forwarded-For that are looked at, from the right. */
const hopsMax = 32
const port = /:[0-9]{1,5}$/

/** The other end of a connection: of one that isn't a trusted proxy, the client of all its requests. */
export function peerOf (socket: Socket, trusted: AddressRanges): Client {
  const address = parsePeer(socket.remoteAddress)
  return clientAt(address, {
    scheme: 'encrypted' in socket ? 'https' : 'http',
    forwardedHost: null,
    chain: address === null ? '' : String(address),
    isForwarded: address !== null && !trusted.isEmpty && trusted.includes(address),
  })
}

/**
 * Who sent a request. X-Forwarded-For is read from the right, where the last proxy wrote: trusted addresses are passed
 * over, the first that isn't trusted is the client's. What stands left of it is hearsay. An entry that is no address
 * ends the walk at the last that was. Of Proto and Host the rightmost counts, for the same reason.
 */
export function clientOf (headers: IncomingHttpHeaders, peer: Client, trusted: AddressRanges): Client {
  if (!peer.isForwarded) return peer
  let client: Address | null = null
  let chain = peer.address
  const entries = text(headers['x-forwarded-for'])
  for (let end = entries.length, hops = 0; end >= 0 && hops < hopsMax; hops++) {
    const comma = end === 0 ? -1 : entries.lastIndexOf(',', end - 1)
    const address = forwardedAddress(entries.slice(comma + 1, end))
    if (address === null) break
    client = address
    chain = `${address}, ${chain}`
    if (!trusted.includes(address)) break
    end = comma
  }
  const scheme = rightmost(headers['x-forwarded-proto'])
  const host = rightmost(headers['x-forwarded-host'])
  return clientAt(client ?? parseAddress(peer.address), {
    scheme: scheme === 'http' || scheme === 'https' ? scheme : peer.scheme,
    forwardedHost: isRequestHost(host.replace(port, '')) ? host : null,
    chain,
    isForwarded: true,
  })
}

interface Hearsay extends Pick<Client, 'scheme' | 'forwardedHost' | 'isForwarded'> {
  /** The client's address, and behind it those of the proxies. */
  readonly chain: string
}

function clientAt (address: Address | null, { scheme, forwardedHost, isForwarded, chain }: Hearsay): Client {
  return {
    address: address === null ? '' : String(address),
    network: address === null ? '' : networkOf(address),
    scheme,
    forwardedHost,
    isForwarded,
    forwardedLines: headerLine('x-forwarded-for', chain) + headerLine('x-forwarded-proto', scheme),
  }
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function forwardedAddress (entry: string): Address | null {
  const trimmed = entry.trim()
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(trimmed)
  if (bracketed !== null) return bracketed[1]!.includes(':') ? parseAddress(bracketed[1]!) : null
  // An IPv6 address without brackets has no port.
  const hasPort = trimmed.includes('.') && trimmed.indexOf(':') === trimmed.lastIndexOf(':')
  return parseAddress(hasPort ? trimmed.replace(port, '') : trimmed)
}

function rightmost (header: string | string[] | undefined): string {
  const list = text(header)
  return list.slice(list.lastIndexOf(',') + 1).trim()
}

/** node:http joins lines of one name with commas, in their order. */
function text (header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : header?.join(',') ?? ''
}
