import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RouteConfig } from '../config/config.ts'
import type { ProblemCode } from '../errors.ts'
import type { KeyRecord } from '../keys/verifier.ts'
import type { Forwarding } from '../upstreams/forwarding.ts'
import type { Tunnel } from '../upstreams/tunnel.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Client } from './client.ts'

/** All that the gateway knows of one request: which it is, what route it matched, whose key came with it, how it ended. */
export class Identity {
  readonly startedAtMs = Date.now()
  readonly requestId: string
  readonly client: Client
  /** The raw path, without the query. */
  readonly path: string
  route: RouteConfig | null = null
  /** Where the route leads. Kept with the request, so that a reload can't change it half-way. */
  upstream: Upstream | null = null
  /** Set once the key's secret was proven, whatever state the key is in. */
  key: KeyRecord | null = null
  /** The key admits the request: the upstream is told whose it is. Never so for what only `auth: report` let through. */
  isVouchedFor = false
  /** A probe of the gateway itself, not traffic. */
  isProbe = false
  /** The answer says `Connection: close`: nothing that follows on the connection is looked at. */
  endsConnection = false
  /** When its response had closed, on performance.now()'s clock. */
  closedAtMs: number | null = null
  readonly #startMark = performance.now()
  refusal: ProblemCode | null = null
  /** What `auth: report` let through. */
  reported: ProblemCode | null = null
  forwarding: Forwarding | null = null
  /** Of a request that was forwarded. */
  response: ServerResponse | null = null
  /** Of a request that has become a WebSocket. */
  tunnel: Tunnel | null = null
  /** Its place among the requests that have just begun. */
  isRecent = false
  before: Identity | null = null
  after: Identity | null = null
  /** Why the key that let the request in no longer did, before it had ended. */
  endedBy: ProblemCode | null = null

  constructor (requestId: string, raw: IncomingMessage, client: Client) {
    this.requestId = requestId
    this.client = client
    const target = raw.url ?? '/'
    const queryStart = target.indexOf('?')
    this.path = queryStart === -1 ? target : target.slice(0, queryStart)
  }

  /** Its response has closed. Returns how many milliseconds after the request's head. */
  close (): number {
    this.closedAtMs = performance.now()
    return this.closedAtMs - this.#startMark
  }
}
