import { isRequestHost } from '../../../src/config/hosts.ts'
import { isInRange, type ModelAddress, modelAddress, modelRange } from './addresses.ts'

type Line = readonly [name: string, value: string]

export interface ModelClient {
  readonly addresses: readonly ModelAddress[]
  readonly scheme: string
  readonly host: string | null
  readonly isForwarded: boolean
}

/** Who sent a request: the connection's other end, or, while that is trusted, whom it names. The last address is the client's. */
export function modelClient (lines: readonly Line[], peer: string, trusted: readonly string[]): ModelClient {
  const isTrusted = (address: ModelAddress) => trusted.some(text => isInRange(address, modelRange(text)!))
  const addresses = [modelAddress(peer)!]
  const valuesOf = (name: string) => lines.filter(([line]) => line.toLowerCase() === name).flatMap(([, value]) => value.split(',')).map(value => value.replace(/^[ \t]+|[ \t]+$/g, ''))
  if (!isTrusted(addresses[0]!)) return { addresses, scheme: 'http', host: null, isForwarded: false }
  for (const entry of valuesOf('x-forwarded-for').reverse().slice(0, 32)) {
    const address = forwardedAddress(entry)
    if (address === null || !isTrusted(addresses.at(-1)!)) break
    addresses.push(address)
  }
  const scheme = valuesOf('x-forwarded-proto').at(-1) ?? ''
  const host = valuesOf('x-forwarded-host').at(-1) ?? ''
  return { addresses, scheme: ['http', 'https'].includes(scheme) ? scheme : 'http', host: isRequestHost(withoutPort(host)) ? host : null, isForwarded: true }
}

function forwardedAddress (entry: string): ModelAddress | null {
  if (entry.startsWith('[')) {
    const [inside = '', behind, ...more] = entry.slice(1).split(']')
    return inside.includes(':') && more.length === 0 && behind !== undefined && (behind === '' || isPort(behind)) ? modelAddress(inside) : null
  }
  const [address = '', ...ports] = entry.split(':')
  return ports.length === 1 && address.includes('.') ? isPort(`:${ports[0]}`) ? modelAddress(address) : null : modelAddress(entry)
}

function withoutPort (host: string): string {
  const colon = host.lastIndexOf(':')
  return colon !== -1 && isPort(host.slice(colon)) ? host.slice(0, colon) : host
}

function isPort (text: string): boolean {
  return text.startsWith(':') && text.length >= 2 && text.length <= 6 && [...text.slice(1)].every(char => '0123456789'.includes(char))
}

export interface ModelPolicy {
  readonly keyHeader: string
  readonly dropsAuthorization: boolean
  readonly hasBody: boolean
  readonly isForwarded: boolean
  readonly keepsTrace: boolean
}

const connectionsOwn = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'host', 'expect']
const gatewaysOwn = ['x-request-id', 'traceparent', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']

/** Of the client's lines, those that may go on, in their order. */
export function modelKept (lines: readonly Line[], policy: ModelPolicy): Line[] {
  const nominated = lines.filter(([name]) => name.toLowerCase() === 'connection').flatMap(([, value]) => value.toLowerCase().split(',').map(name => name.trim()))
  return lines.flatMap(([name, value]): Line[] => {
    const lower = name.toLowerCase()
    const plain = [...lower].map(char => /[a-z0-9]/.test(char) ? char : '-').join('')
    if (plain === 'content-length') return policy.hasBody && lower === plain ? [[plain, String(Number(value))]] : []
    if (connectionsOwn.includes(plain) || gatewaysOwn.includes(plain) || plain === policy.keyHeader || nominated.includes(lower)) return []
    if (plain.startsWith('x-latchkey-')) return []
    const isOfProxies = plain === 'forwarded' || plain === 'x-real-ip' || plain.startsWith('x-forwarded-')
    if (isOfProxies && !(policy.isForwarded && lower === plain)) return []
    if (plain === 'authorization' && policy.dropsAuthorization) return []
    if (plain === 'tracestate' && !policy.keepsTrace) return []
    return [[name, value]]
  })
}
