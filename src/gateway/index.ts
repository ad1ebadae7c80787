import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AddressRanges } from '../config/address.ts'
import type { Config, RouteConfig } from '../config/config.ts'
import type { EarlierUses } from '../keys/earlier-uses.ts'
import type { Verification, Verifier } from '../keys/verifier.ts'
import type { EventLoopLoad } from '../limits/event-loop-load.ts'
import type { FailureBudget } from '../limits/failure-budget.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { holdsScopes } from '../routes/scopes.ts'
import type { RouteTable } from '../routes/route-table.ts'
import { failureCode } from '../upstreams/failure.ts'
import type { ClientResponse } from '../upstreams/client-response.ts'
import type { Engine } from '../upstreams/forwarding.ts'
import { NodeResponse } from './node-response.ts'
import type { UpstreamSet } from '../upstreams/upstream-set.ts'
import type { UsageSink } from '../usage/no-usage.ts'
import { ownLines } from './answer.ts'
import { clientOf } from './client.ts'
import type { ClientRequest, ReceivedBody } from './client-request.ts'
import type { Connection, Connections } from './connections.ts'
import { type Credential, readCredential } from './credential.ts'
import { forwardingFor } from './forward.ts'
import { withoutGraceLines } from './grace-lines.ts'
import { allowHalfClose } from './half-close.ts'
import { answerHealth } from './health.ts'
import { Identity } from './identity.ts'
import type { OpenRequests } from './open-requests.ts'
import { recordClosed } from './record.ts'
import { insufficientScope, keyRefusal, missingKey, type Refusal, refuse, tooManyFailures } from './refuse.ts'
import { RequestIds } from './request-id.ts'
import { splitConnections } from './plain/split-connections.ts'
import { insanityOf, originForm } from './sane-request.ts'
import { announceKeepAlive, fastifyOptions, tuneServer } from './server-options.ts'
import { SlowClients } from './slow-clients.ts'
import { Turns } from './turns.ts'
import { unmatched } from './unmatched.ts'
import { UnreadableRequests } from './unreadable-request.ts'
import { type GatewayRequest, handshakeFault, isUpgrade, losesWhatFollows } from './upgrade-request.ts'
import { acceptUpgrades, tunnel } from './upgrades.ts'
import { UpstreamHeaders } from './upstream-headers.ts'

const brokenBody: Refusal = { code: 'bad_request', detail: 'The body is malformed, or was cut short.' }
/** As long as the shortest Retry-After. */
const slowRefusalMs = 1_000

declare module 'fastify' {
  interface FastifyRequest {
    /** From when its turn has come. */
    identity: Identity
  }
}

export interface GatewayParts {
  readonly config: Pick<Config, 'gateway' | 'keys'>
  /** The table in force. Asked once a request, so that a reload swaps it whole. */
  readonly routeTable: () => RouteTable
  readonly upstreams: UpstreamSet
  readonly verifier: Verifier
  readonly usage: UsageSink
  readonly openRequests: OpenRequests
  readonly earlierUses: EarlierUses
  readonly connections: Connections
  readonly failures: FailureBudget
  readonly load: EventLoopLoad
  readonly metrics: GatewayMetrics
  readonly engine: Engine
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
  readonly logger: Logger
}

/**
 * The data plane. Read begin() from top to bottom to know what a request must pass, and in which order:
 * sane, routed, key present, key valid, scopes held; then it is forwarded. Each is recorded once, when its response
 * has closed, and before that the next of its connection doesn't begin. Bodies aren't touched before a request is
 * admitted. Under too much load, what isn't known yet is refused before it costs anything.
 */
export async function createGateway (parts: GatewayParts): Promise<FastifyInstance> {
  const { config: { gateway, keys }, upstreams, verifier, connections, failures, load, metrics, logger } = parts
  const turns = new Turns({ onOverflow: () => metrics.pipeliningOverflowed() })
  const slowClients = new SlowClients(gateway, turns, socket => connections.of(socket).latest)
  const unreadable = new UnreadableRequests(turns, metrics, logger)
  const trusted = new AddressRanges(gateway.trustProxy)
  const requestIds = new RequestIds()
  const upstreamHeaders = new UpstreamHeaders(keys.header)
  const app = Fastify({
    ...fastifyOptions(gateway),
    rewriteUrl: originForm,
    clientErrorHandler: (err, socket) => unreadable.answer(err, socket, connections.of(socket).latest),
    frameworkErrors: (err, request, reply) => turns.take(request.raw.socket, reply.raw, () => {
      if (isBehindEnd(request, reply)) return
      refuse(acceptRead(request, reply, null), { code: 'bad_request', detail: err.code === 'FST_ERR_BAD_URL' ? 'The path has an invalid percent-encoding.' : undefined })
    }, () => closed(request.identity)),
  })
  splitConnections(app.server, {
    isEnabled: !parts.engine.needsFastify,
    connections,
    sendTimeoutMs: gateway.sendTimeoutMs,
    keepAliveTimeoutMs: gateway.keepAliveTimeoutMs,
    accept: (request, response, connection) => accept(request, response, request.body, connection),
    begin: attempt,
    closed,
    onReadByNode: socket => allowHalfClose(socket, turns, () => unreadable.cutShort(socket, connections.of(socket).latest)),
  })
  tuneServer(app, gateway)
  connections.watch(app.server, socket => {
    connections.of(socket).plain!.letGo(null)
    unreadable.silent(socket)
  })
  slowClients.watch(app.server)
  acceptUpgrades(app, turns)
  app.server.on('connect', (_raw, socket) => unreadable.refuseConnect(socket as Socket))
  app.decorateRequest('identity', null as unknown as Identity)

  app.addHook('onRequest', (request, reply, admit) => {
    turns.take(request.raw.socket, reply.raw, () => beginRead(request, reply, admit), () => closed(request.identity))
  })

  // Before the engine's routes, which take over what is set by then.
  app.setErrorHandler((err, { identity }) => {
    const failure = identity.forwarding?.failure ?? null
    if (failure !== null) return refuse(identity, { code: identity.endedBy ?? failureCode(failure) })
    logger.error({ err, requestId: identity.requestId }, 'forwarding a request failed')
    refuse(identity, { code: 'internal_error' })
  })

  await parts.engine.register(app, {
    admittedOf: request => request.identity,
    forwardingOf: request => request.identity.forwarding!,
    responseLinesOf: (admitted, passedOn) => linesOfPassedOn(admitted as Identity, passedOn),
    onFailure: (admitted, code) => refuse(admitted as Identity, { code: (admitted as Identity).endedBy ?? code }),
  })
  // Nothing passes onRequest unadmitted, so whoever gets here was admitted and then found no engine: fail closed.
  app.setNotFoundHandler(request => refuse(request.identity, { code: 'internal_error' }))
  return app

  /** Of what node:http has read, whose turn it is: what plain requests can't be, or have. */
  function beginRead (request: FastifyRequest, reply: FastifyReply, admit: () => void): void {
    if (isBehindEnd(request, reply)) return
    const { raw } = request
    const identity = acceptRead(request, reply, admit)
    const insanity = insanityOf(raw, keys.header) ?? (isUpgrade(raw) ? handshakeFault(raw) : null)
    if (insanity !== null) return refuse(identity, insanity)
    if (unreadable.isBroken(raw)) return refuse(identity, brokenBody)
    attempt(identity)
  }

  /** It may begin with the end of another request's response, where nobody else would catch what is thrown. */
  function attempt (identity: Identity): void {
    try {
      begin(identity)
    } catch (err) {
      fail(identity, err)
    }
  }

  /** The way of a sane request. */
  function begin (identity: Identity): void {
    const { request, path } = identity
    if (path.startsWith('/-/')) return answerHealth(identity, parts.isReady())
    if (load.shedsAny()) return refuse(identity, { code: 'overloaded' })

    const match = parts.routeTable().match(request.method, request.headers.host, path)
    if (match.kind !== 'route') return refuse(identity, unmatched(match))
    const { route } = match
    identity.route = route
    identity.upstream = upstreams.get(route.upstream)

    if (route.auth === 'none') {
      if (load.shedsUnknown()) return refuse(identity, { code: 'overloaded' })
      metrics.authOutcome('public')
      return forward(identity, false)
    }
    const credential = readCredential(request.headers, keys)
    if (credential.isAmbiguous) return deny(identity, credential, { code: 'ambiguous_key' })
    if (credential.key === null) return deny(identity, credential, missingKey(keys))

    const verification = verifier.verify(credential.key, identity.client)
    // From the cache: no promise, no later tick.
    if (!(verification instanceof Promise)) return judge(identity, credential, verification, false)
    verification.then(found => judge(identity, credential, found, true)).catch((err: unknown) => fail(identity, err))
  }

  function fail (identity: Identity, err: unknown): void {
    logger.error({ err, requestId: identity.requestId }, 'judging a request failed')
    if (!identity.response.headersSent) refuse(identity, { code: 'internal_error' })
  }

  function judge (identity: Identity, credential: Credential, { status, key }: Verification, isLookedUp: boolean): void {
    const route = identity.route!
    identity.key = key
    if (status !== 'valid') {
      const { network } = identity.client
      return deny(identity, credential, isOverBudget(status, route, network, isLookedUp) ? tooManyFailures(failures, network) : keyRefusal(status))
    }
    if (!holdsScopes(key!.scopes, route.scopes)) return deny(identity, credential, insufficientScope(route.scopes))
    metrics.authOutcome('valid')
    identity.isVouchedFor = true
    forward(identity, credential.isInAuthorization)
  }

  /** Counts an invalid key; true where its network has sent too many. What is let through all the same counts where it cost a query. */
  function isOverBudget (status: Verification['status'], route: RouteConfig, network: string, isLookedUp: boolean): boolean {
    if (status === 'throttled') return true
    if (status !== 'malformed' && status !== 'unknown') return false
    return (route.auth === 'key' || isLookedUp) && !failures.take(network)
  }

  function deny (identity: Identity, credential: Credential, refusal: Refusal): void {
    const isReported = identity.route!.auth === 'report'
    metrics.authOutcome(isReported ? `reported_${refusal.code}` : refusal.code)
    if (!isReported) return isSentAgain(refusal) ? refuseSlowly(identity, refusal) : refuse(identity, refusal)
    if (load.shedsUnknown()) return refuse(identity, { code: 'overloaded' })
    identity.reported = refusal.code
    forward(identity, wasMeantForUs(credential, identity))
  }

  /** Behind an announced end (RFC 9112, 9.6), nothing is looked at: it may have been the body of the request before. */
  function isBehindEnd ({ raw }: FastifyRequest, reply: FastifyReply): boolean {
    if (connections.of(raw.socket).latest?.response.endsConnection !== true) return false
    reply.hijack()
    return true
  }

  /** The response has, or its connection. What never began has no identity, and no record. */
  function closed (identity: Identity | null | undefined): void {
    // Undefined where Fastify could not read the request: what it then makes isn't decorated.
    if (identity != null) recordClosed(identity, parts)
  }

  function acceptRead (request: FastifyRequest, reply: FastifyReply, admit: (() => void) | null): Identity {
    const raw = request.raw as GatewayRequest & ClientRequest
    const identity = accept(raw, new NodeResponse(reply.raw), raw, connections.of(raw.socket))
    request.identity = identity
    identity.admit = admit
    if (losesWhatFollows(raw)) identity.response.endsConnection = true
    announceKeepAlive(reply.raw, gateway)
    return identity
  }

  /** Begins the request's record. */
  function accept (request: ClientRequest, response: ClientResponse, body: ReceivedBody | null, connection: Connection): Identity {
    const { headers } = request
    const identity = new Identity(request, response, body, clientOf(headers, connection.peer, trusted), requestIds.of(headers['x-request-id']))
    response.endsConnection = parts.isDraining()
    connection.latest = identity
    slowClients.expectBody(identity)
    return identity
  }

  /**
   * For those who send more keys than are looked up, and would send the next as soon as they have the answer. Holds up
   * the connection, and with it all that is pipelined; not a proxy's, whose next request may be anybody's.
   */
  function refuseSlowly (identity: Identity, refusal: Refusal): void {
    if (identity.client.isForwarded) return refuse(identity, refusal)
    setTimeout(() => { if (!identity.response.isDestroyed) refuse(identity, refusal) }, slowRefusalMs).unref()
  }

  function forward (identity: Identity, dropsAuthorization: boolean): void {
    const { request, response } = identity
    // The client left while its key was looked up.
    if (request.socket.destroyed) return
    if (unreadable.isBroken(request)) return refuse(identity, brokenBody)
    const forwarding = forwardingFor(identity, upstreamHeaders, dropsAuthorization)
    if (forwarding === null) return refuse(identity, { code: 'body_too_large' })
    identity.forwarding = forwarding
    parts.openRequests.add(identity)
    if (isUpgrade(request)) {
      tunnel(identity, parts.openRequests)
      return
    }
    if (request.headers.expect !== undefined && request.httpVersionMinor > 0) response.writeContinue()
    parts.engine.forward(identity, forwarding)
  }

  /** Of an answer that is passed on. One that comes before the request has ended is the connection's last. */
  function linesOfPassedOn (identity: Identity, passedOn: string): string {
    const { key } = identity
    identity.response.endsConnection ||= parts.isDraining() || !identity.request.complete
    return (key === null || key.grace === null ? passedOn : withoutGraceLines(passedOn)) + ownLines(identity)
  }

  /** With `auth: report`, a bearer that can't be a key of ours is the upstream's own credential and stays. */
  function wasMeantForUs ({ isInAuthorization, isAuthorizationBranded }: Credential, { key }: Identity): boolean {
    return isInAuthorization && (isAuthorizationBranded || key !== null || keys.checksum === 'optional')
  }
}

/** What a flood gets. */
function isSentAgain ({ code }: Refusal): boolean {
  return code === 'too_many_failures' || code === 'overloaded'
}
