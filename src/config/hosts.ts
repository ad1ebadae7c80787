import { isIP } from 'node:net'

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const HOSTNAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`, 'i')

/** Whether a server can be told to listen here: an IP address, without brackets, or a host name. */
export function isListenHost (text: string): boolean {
  return isIP(text) !== 0 || isHostname(text)
}

/** Whether a Host header without its port can be this: a host name, an IPv4 address, or an IPv6 one in brackets. */
export function isRequestHost (text: string): boolean {
  return isIP(text) === 4 || isHostname(text) || (/^\[.*\]$/.test(text) && isIP(text.slice(1, -1)) === 6)
}

/** Whether two listeners with the same port would get in each other's way. */
export function sharesAddress (one: string, other: string): boolean {
  return one === other || isEveryAddress(one) || isEveryAddress(other)
}

function isHostname (text: string): boolean {
  // Digits and dots alone are a mistyped address, never a name.
  return text.length <= 253 && HOSTNAME.test(text) && !/^[0-9.]+$/.test(text)
}

function isEveryAddress (host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
