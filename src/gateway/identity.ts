import type { RouteConfig } from '../config/config.ts'
import type { ProblemCode } from '../errors.ts'
import type { KeyRecord } from '../keys/verifier.ts'
import type { ClientResponse } from '../upstreams/client-response.ts'
import type { Admitted, Forwarding } from '../upstreams/forwarding.ts'
import type { Tunnel } from '../upstreams/tunnel.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Client } from './client.ts'
import type { ClientRequest, ReceivedBody } from './client-request.ts'

/** All that the gateway knows of one request: which it is, what route it matched, whose key came with it, how it ended. */
export class Identity implements Admitted {
  readonly startedAtMs = Date.now()
  readonly request: ClientRequest
  readonly response: ClientResponse
  readonly body: ReceivedBody | null
  /** Goes on with Fastify's own way of the request, where it came through Fastify. */
  admit: (() => void) | null = null
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
  /** When its response had closed, on performance.now()'s clock. */
  closedAtMs: number | null = null
  readonly #startMark = performance.now()
  refusal: ProblemCode | null = null
  /** What `auth: report` let through. */
  reported: ProblemCode | null = null
  forwarding: Forwarding | null = null
  /** Of a request that has become a WebSocket. */
  tunnel: Tunnel | null = null
  /** Its place among the requests that have just begun. */
  isRecent = false
  before: Identity | null = null
  after: Identity | null = null
  /** Why the key that let the request in no longer did, before it had ended. */
  endedBy: ProblemCode | null = null

  constructor (request: ClientRequest, response: ClientResponse, body: ReceivedBody | null, client: Client, requestId: string) {
    this.request = request
    this.response = response
    this.body = body
    this.requestId = requestId
    this.client = client
    const target = request.url
    const queryStart = target.indexOf('?')
    this.path = queryStart === -1 ? target : target.slice(0, queryStart)
  }

  /** Of its body, as far as it was read; of a WebSocket, all that passed to the upstream. */
  get requestBytes (): number {
    if (this.tunnel !== null) return this.tunnel.bytesToUpstream
    return this.body === null ? 0 : this.body.receivedBytes
  }

  /** Of its body, as far as the client was sent it; of a WebSocket, all that passed to the client. */
  get responseBytes (): number {
    return this.tunnel === null ? this.response.bodyBytes : this.tunnel.bytesToClient
  }

  /** Its response has closed. Returns how many milliseconds after the request's head. */
  close (): number {
    this.closedAtMs = performance.now()
    return this.closedAtMs - this.#startMark
  }
}
