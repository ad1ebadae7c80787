import ipaddr from 'ipaddr.js'
import { parseAddress } from '../config/address.ts'
import type { UsagePrivacy } from '../config/config.ts'

export const nothingLeftOut: UsagePrivacy = { addresses: 'kept', userAgents: 'kept', paths: 'asSent' }

/**
 * A first product's name and major version. What begins otherwise, or goes on as no product does, isn't one: an address
 * of mail, JSON, something in quotes.
 */
const product = /^([A-Za-z][A-Za-z0-9._+-]{0,39})(?:$|[\s(;,]|\/(?:[vV]?([0-9]{1,4})(?![0-9]))?)/
/** A name with more digits is an identifier. */
const digitsMax = 4
/** An IPv6 address of these bits holds the IPv4 address that it stands for in the next 32 (6to4, RFC 3056). */
const sixToFour = 0x2002

/** The address's /24 or, IPv6, its /48, as the first address of it; null where it is none. Of a 6to4 address no more than a /24 of the one in it. */
export function truncatedAddress (text: string): string | null {
  const address = parseAddress(text)
  if (address === null) return null
  if (address.kind() === 'ipv4') return String(address).replace(/[0-9]+$/, '0')
  const [first = 0, second = 0, third = 0] = (address as ipaddr.IPv6).parts
  return String(new ipaddr.IPv6([first, second, first === sixToFour ? third & 0xff00 : third, 0, 0, 0, 0, 0]))
}

/** What may be stored of a user agent, cleaned already. */
export function keptUserAgent (text: string, { userAgents }: UsagePrivacy): string | null {
  if (userAgents === 'dropped') return null
  return userAgents === 'shortened' ? shortenedUserAgent(text) : text
}

/** `Mozilla/5` of `Mozilla/5.0 (Windows …`; null where there is no such thing in it. */
export function shortenedUserAgent (text: string): string | null {
  const [, name, major] = product.exec(text) ?? []
  if (name === undefined || name.replace(/[^0-9]/g, '').length > digitsMax) return null
  return major === undefined ? name : `${name}/${major}`
}
