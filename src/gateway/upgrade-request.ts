import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Insanity } from './sane-request.ts'

/** 16 bytes in base64. */
const validKey = /^[A-Za-z0-9+/]{21}[AQgw]==$/
/** Bare line feeds included, whether or not the parser takes them. */
const headEnd = /\n\r?\n/
const validVersion = /^[0-9]{1,3}$/

/**
 * A request as node:http hands it over, which is an upgrade only when it asks for WebSocket. A server may ignore any
 * other Upgrade (RFC 9110, 7.8), and must where clients send it with ordinary requests, as curl and Java do with `h2c`:
 * node:http would take every one for an upgrade, and its body for the bytes of another protocol.
 */
export class GatewayRequest extends IncomingMessage {
  /** What the parser found; node:http asks `upgrade` for its own purposes, after the header was read. */
  declare parsedUpgrade: unknown
  /** Of its body. */
  receivedBytes = 0
  #isAloneInPiece = true

  get upgrade (): boolean {
    return this.parsedUpgrade === true && (this.method === 'CONNECT' || asksForWebSocket(this))
  }

  set upgrade (parsed: unknown) {
    this.parsedUpgrade = parsed
    if (parsed === true) this.#isAloneInPiece = isOneHead(this.socket)
  }

  /** Called by node:http with each piece of the body, and with null at its end. */
  override push (piece: Buffer | null): boolean {
    if (piece !== null) this.receivedBytes += piece.length
    return super.push(piece)
  }

  /**
   * Whether bytes that follow may be lost. Behind a request that could be an upgrade the parser stops, and where it isn't
   * taken for one, node:http goes on with the next piece that it reads: the body of a request whose head was in the lost
   * part would be run as a request. So nothing more may be taken from the connection. A head that is a piece of its own,
   * as of clients that don't pipeline, has nothing behind it.
   */
  get losesWhatFollows (): boolean {
    if (this.parsedUpgrade !== true || this.upgrade) return false
    return !this.#isAloneInPiece || this.headers['content-length'] !== undefined || this.headers['transfer-encoding'] !== undefined
  }
}

/** Whether the request is to be tunnelled. Its connection then carries no other request. */
export function isUpgrade (raw: object): boolean {
  return raw instanceof GatewayRequest && raw.upgrade
}

export function losesWhatFollows (raw: IncomingMessage): boolean {
  return raw instanceof GatewayRequest && raw.losesWhatFollows
}

/** What RFC 6455, 4.2.1 rules out. The version is the upstream's to accept; its 426 says which it speaks. */
export function handshakeFault ({ headers }: IncomingMessage): Insanity | null {
  if (!validKey.test(headers['sec-websocket-key'] ?? '')) return { code: 'bad_request', detail: 'Sec-WebSocket-Key must be 16 bytes in base64, once.' }
  if (!validVersion.test(headers['sec-websocket-version'] ?? '')) return { code: 'bad_request', detail: 'Sec-WebSocket-Version must be a number, once.' }
  return null
}

/**
 * Whether what is being parsed right now ends with the first head in it, and doesn't begin within a head's end.
 * Undocumented: node:http takes an upgrade's first bytes from there.
 */
function isOneHead (socket: Socket): boolean {
  const { parser } = socket as Socket & { readonly parser?: { getCurrentBuffer? (): Buffer | undefined } | null }
  const piece = parser?.getCurrentBuffer?.()
  if (piece === undefined) return false
  const text = piece.toString('latin1')
  const end = headEnd.exec(text)
  return end !== null && end.index + end[0].length === text.length && !/^[\r\n]/.test(text)
}

/** The parser has seen `Upgrade`, and that `Connection` names it. HTTP/1.0 has no upgrades, and a handshake no body. */
function asksForWebSocket ({ method, headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersionMajor !== 1 || httpVersionMinor < 1) return false
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') return false
  return headers.upgrade!.split(',').some(protocol => protocol.trim().toLowerCase() === 'websocket')
}
