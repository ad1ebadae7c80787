import type { Bench } from '../bench.ts'
import type { GatewayConfig } from '../latchkey.ts'

export interface PeerSettings {
  /** So many routes more. */
  readonly routes?: number
  /** For Latchkey only. */
  readonly gateway?: Omit<GatewayConfig, 'upstreamUrl' | 'routes'>
  readonly env?: Readonly<Record<string, string>>
  readonly isUnpinned?: boolean
}

export interface RunningPeer {
  readonly pid: number
  readonly port: number
  readonly url: string
  /** Of Latchkey's admin listener. */
  readonly adminUrl?: string
  /** A line for each of the 1,000 keys, as they go into `keyHeader`. */
  readonly keysFile: string
  readonly keyHeader: string
  close (): Promise<void>
}

export interface Peer {
  /** Unique in a run. */
  readonly id: string
  readonly title: string
  readonly isLatchkey: boolean
  /** Resolves once it has answered a request through to the upstream. */
  start (bench: Bench, settings?: PeerSettings): Promise<RunningPeer>
}
