import type { UpstreamConfig } from '../config/config.ts'

/** Where an upstream is reached. */
export interface TargetAddress {
  readonly origin: string
  /** Value for the Host header: the origin without its scheme. */
  readonly host: string
  /** The name or address to connect to: also the one that certificates must be for, whatever Host is sent. */
  readonly hostname: string
  readonly port: number
  readonly isSecure: boolean
}

/** One address of an upstream, with the connections that an engine keeps to it. */
export interface Target extends TargetAddress {
  readonly pool: TargetPool
  /** Requests under way. */
  running: number
}

export interface TargetPool {
  stats (): PoolStats
  /** Resolves when requests under way have ended. */
  close (): Promise<void>
  /** Ends requests under way, too. */
  destroy (): Promise<void>
}

/** Connections by what they are doing, and requests that wait for one. */
export interface PoolStats {
  readonly connecting: number
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

/** How an engine keeps its connections to a target. Called once a target. */
export type OpenPool = (address: TargetAddress, config: UpstreamConfig) => TargetPool

export function addressOf (origin: string): TargetAddress {
  const { host, hostname, port, protocol } = new URL(origin)
  const isSecure = protocol === 'https:'
  return { origin, host, hostname: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (isSecure ? 443 : 80) : Number(port), isSecure }
}
