import { IncomingMessage } from 'node:http'
import type { Insanity } from './sane-request.ts'

/** 16 bytes in base64. */
const validKey = /^[A-Za-z0-9+/]{21}[AQgw]==$/
const validVersion = /^[0-9]{1,3}$/

/**
 * A request as node:http hands it over, which is an upgrade only when it asks for WebSocket. A server may ignore any
 * other Upgrade (RFC 9110, 7.8), and must where clients send it with ordinary requests, as curl and Java do with `h2c`:
 * node:http would take every one for an upgrade, and its body for the bytes of another protocol.
 */
export class GatewayRequest extends IncomingMessage {
  /** What the parser found; node:http asks `upgrade` for its own purposes, after the header was read. */
  declare parsedUpgrade: unknown

  get upgrade (): boolean {
    return this.parsedUpgrade === true && (this.method === 'CONNECT' || asksForWebSocket(this))
  }

  set upgrade (parsed: unknown) {
    this.parsedUpgrade = parsed
  }
}

/** Whether the request is to be tunnelled. Its connection then carries no other request. */
export function isUpgrade (raw: IncomingMessage): boolean {
  return raw instanceof GatewayRequest && raw.upgrade
}

/** What RFC 6455, 4.2.1 rules out. The version is the upstream's to accept; its 426 says which it speaks. */
export function handshakeFault ({ headers }: IncomingMessage): Insanity | null {
  if (!validKey.test(headers['sec-websocket-key'] ?? '')) return { code: 'bad_request', detail: 'Sec-WebSocket-Key must be 16 bytes in base64, once.' }
  if (!validVersion.test(headers['sec-websocket-version'] ?? '')) return { code: 'bad_request', detail: 'Sec-WebSocket-Version must be a number, once.' }
  return null
}

/** The parser has seen `Upgrade`, and that `Connection` names it. HTTP/1.0 has no upgrades, and a handshake no body. */
function asksForWebSocket ({ method, headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersionMajor !== 1 || httpVersionMinor < 1) return false
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') return false
  return headers.upgrade!.split(',').some(protocol => protocol.trim().toLowerCase() === 'websocket')
}
