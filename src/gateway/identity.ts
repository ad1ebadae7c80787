import type { IncomingMessage } from 'node:http'
import type { RouteConfig } from '../config/config.ts'
import type { ProblemCode } from '../errors.ts'
import type { KeyRecord } from '../keys/verifier.ts'
import type { Forwarding } from '../upstreams/forwarding.ts'
import type { Upstream } from '../upstreams/upstream.ts'

/** All that the gateway knows of one request: which it is, what route it matched, whose key came with it, how it ended. */
export class Identity {
  readonly startedAtMs = Date.now()
  readonly #startMark = performance.now()
  readonly requestId: string
  /** The client's address, IPv4 in its plain form. */
  readonly address: string
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
  refusal: ProblemCode | null = null
  /** What `auth: report` let through. */
  reported: ProblemCode | null = null
  forwarding: Forwarding | null = null

  constructor (requestId: string, raw: IncomingMessage) {
    this.requestId = requestId
    this.address = plainAddress(raw.socket.remoteAddress)
    const target = raw.url ?? '/'
    const queryStart = target.indexOf('?')
    this.path = queryStart === -1 ? target : target.slice(0, queryStart)
  }

  get elapsedMs (): number {
    return performance.now() - this.#startMark
  }
}

/** IPv4 addresses that arrive on a dual-stack socket are written as `::ffff:192.0.2.1`. */
function plainAddress (address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
