import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectSecure, type SecureContext } from 'node:tls'
import type { TargetAddress } from './target.ts'

export interface OpenSocketOptions {
  readonly allowHalfOpen?: boolean
  /** Takes what is read in place of the socket's stream. */
  readonly onread?: OnReadOpts
  /** Those that every connection shares: making one costs more than the connection. */
  readonly secureContext?: SecureContext | undefined
  /** Of an earlier connection to the same target. */
  readonly session?: Buffer | undefined
}

const highWaterMarkBytes = 65_536
/** Long enough to cost nothing, short enough for what forgets connections that are silent. */
const keepAliveProbeAfterMs = 60_000

/**
 * Connects to a target; ready for bytes with `connect`, or with `secureConnect` where it speaks TLS, and before that
 * fails with `error`. Certificates must be for the target's own name or address, whatever Host is sent.
 */
export function openSocket ({ hostname, port, isSecure }: TargetAddress, options: OpenSocketOptions): Socket {
  const common = { ...options, host: hostname, port, highWaterMark: highWaterMarkBytes }
  const socket = isSecure
    // An address is no server name (RFC 6066, 3); left out, the certificate is checked for what is connected to.
    ? connectSecure({ ...common, servername: isIP(hostname) === 0 ? hostname : '', ALPNProtocols: ['http/1.1'] })
    : connect(common)
  // tls.connect() takes neither for an option.
  return socket.setNoDelay(true).setKeepAlive(true, keepAliveProbeAfterMs)
}
