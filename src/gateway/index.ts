import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AddressRanges } from '../config/address.ts'
import type { Config, RouteConfig } from '../config/config.ts'
import type { Verification, Verifier } from '../keys/verifier.ts'
import type { EventLoopLoad } from '../limits/event-loop-load.ts'
import type { FailureBudget } from '../limits/failure-budget.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { holdsScopes } from '../routes/scopes.ts'
import type { Match, RouteTable } from '../routes/route-table.ts'
import { failureCode } from '../upstreams/failure.ts'
import type { Engine } from '../upstreams/forwarding.ts'
import type { UpstreamSet } from '../upstreams/upstream-set.ts'
import type { UsageRecorder } from '../usage/recorder.ts'
import { clientOf } from './client.ts'
import type { Connections } from './connections.ts'
import { type Credential, readCredential } from './credential.ts'
import { forwardingFor } from './forward.ts'
import { allowHalfClose } from './half-close.ts'
import { answerHealth } from './health.ts'
import { Identity } from './identity.ts'
import type { OpenRequests } from './open-requests.ts'
import { recordClosed } from './record.ts'
import { insufficientScope, keyRefusal, missingKey, type Refusal, refuse, tooManyFailures } from './refuse.ts'
import { requestIdOf } from './request-id.ts'
import { ownHeaders } from './own-headers.ts'
import { insanityOf, originForm } from './sane-request.ts'
import { announceKeepAlive, fastifyOptions, tuneServer } from './server-options.ts'
import { SlowClients } from './slow-clients.ts'
import { Turns } from './turns.ts'
import { UnreadableRequests } from './unreadable-request.ts'
import { handshakeFault, isUpgrade, losesWhatFollows } from './upgrade-request.ts'
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
  readonly usage: UsageRecorder
  readonly openRequests: OpenRequests
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
  const upstreamHeaders = new UpstreamHeaders(keys.header)
  const app = Fastify({
    ...fastifyOptions(gateway),
    rewriteUrl: originForm,
    clientErrorHandler: (err, socket) => unreadable.answer(err, socket, connections.of(socket).latest),
    frameworkErrors: (err, request, reply) => turns.take(request.raw.socket, reply.raw, () => {
      if (isBehindEnd(request, reply)) return
      accept(request, reply)
      refuse(request, reply, { code: 'bad_request', detail: err.code === 'FST_ERR_BAD_URL' ? 'The path has an invalid percent-encoding.' : undefined })
    }, () => closed(request, reply)),
  })
  tuneServer(app, gateway)
  connections.watch(app.server)
  slowClients.watch(app.server)
  acceptUpgrades(app, turns)
  allowHalfClose(app, turns, socket => unreadable.cutShort(socket, connections.of(socket).latest))
  app.server.on('connect', (_raw, socket) => unreadable.refuseConnect(socket as Socket))
  app.decorateRequest('identity', null as unknown as Identity)

  app.addHook('onRequest', (request, reply, admit) => {
    turns.take(request.raw.socket, reply.raw, () => attempt(request, reply, admit), () => closed(request, reply))
  })

  // Before the engine's routes, which take over what is set by then.
  app.setErrorHandler((err, request, reply) => {
    const failure = request.identity.forwarding?.failure ?? null
    if (failure !== null) return refuse(request, reply, { code: request.identity.endedBy ?? failureCode(failure) })
    logger.error({ err, requestId: request.identity.requestId }, 'forwarding a request failed')
    refuse(request, reply, { code: 'internal_error' })
  })

  await parts.engine.register(app, {
    forwardingOf: request => request.identity.forwarding!,
    responseHeadersOf,
    onFailure: (request, reply, code) => refuse(request, reply, { code: request.identity.endedBy ?? code }),
  })
  // Nothing passes onRequest unadmitted, so whoever gets here was admitted and then found no engine: fail closed.
  app.setNotFoundHandler((request, reply) => refuse(request, reply, { code: 'internal_error' }))
  return app

  /** A turn may come with the end of another request's response, where nobody else would catch what is thrown. */
  function attempt (request: FastifyRequest, reply: FastifyReply, admit: () => void): void {
    try {
      begin(request, reply, admit)
    } catch (err) {
      fail(request, reply, err)
    }
  }

  /** The way of a request, whose turn it is. */
  function begin (request: FastifyRequest, reply: FastifyReply, admit: () => void): void {
    const { raw } = request
    if (isBehindEnd(request, reply)) return
    const identity = accept(request, reply)

    const insanity = insanityOf(raw, keys.header) ?? (isUpgrade(raw) ? handshakeFault(raw) : null)
    if (insanity !== null) return refuse(request, reply, insanity)
    if (unreadable.isBroken(raw)) return refuse(request, reply, brokenBody)
    if (identity.path.startsWith('/-/')) return answerHealth(request, reply, parts.isReady())
    if (load.shedsAny()) return refuse(request, reply, { code: 'overloaded' })

    const match = parts.routeTable().match(request.method, raw.headers.host, identity.path)
    if (match.kind !== 'route') return refuse(request, reply, unmatched(match))
    const { route } = match
    identity.route = route
    identity.upstream = upstreams.get(route.upstream)

    if (route.auth === 'none') {
      if (load.shedsUnknown()) return refuse(request, reply, { code: 'overloaded' })
      metrics.authOutcome('public')
      return forward(request, reply, false, admit)
    }
    const credential = readCredential(raw.headers, keys)
    if (credential.isAmbiguous) return deny(request, reply, admit, credential, { code: 'ambiguous_key' })
    if (credential.key === null) return deny(request, reply, admit, credential, missingKey(keys))

    const verification = verifier.verify(credential.key, identity.client)
    // From the cache: no promise, no later tick.
    if (!(verification instanceof Promise)) return judge(request, reply, admit, credential, verification, false)
    verification.then(found => judge(request, reply, admit, credential, found, true)).catch((err: unknown) => fail(request, reply, err))
  }

  function fail (request: FastifyRequest, reply: FastifyReply, err: unknown): void {
    logger.error({ err, requestId: request.identity.requestId }, 'judging a request failed')
    if (!reply.sent) refuse(request, reply, { code: 'internal_error' })
  }

  function judge (request: FastifyRequest, reply: FastifyReply, admit: () => void, credential: Credential, { status, key }: Verification, isLookedUp: boolean): void {
    const { identity } = request
    const route = identity.route!
    identity.key = key
    if (status !== 'valid') {
      const { network } = identity.client
      return deny(request, reply, admit, credential, isOverBudget(status, route, network, isLookedUp) ? tooManyFailures(failures, network) : keyRefusal(status))
    }
    if (!holdsScopes(key!.scopes, route.scopes)) return deny(request, reply, admit, credential, insufficientScope(route.scopes))
    metrics.authOutcome('valid')
    identity.isVouchedFor = true
    forward(request, reply, credential.isInAuthorization, admit)
  }

  /** Counts an invalid key; true where its network has sent too many. What is let through all the same counts where it cost a query. */
  function isOverBudget (status: Verification['status'], route: RouteConfig, network: string, isLookedUp: boolean): boolean {
    if (status === 'throttled') return true
    if (status !== 'malformed' && status !== 'unknown') return false
    return (route.auth === 'key' || isLookedUp) && !failures.take(network)
  }

  function deny (request: FastifyRequest, reply: FastifyReply, admit: () => void, credential: Credential, refusal: Refusal): void {
    const { identity } = request
    const isReported = identity.route!.auth === 'report'
    metrics.authOutcome(isReported ? `reported_${refusal.code}` : refusal.code)
    if (!isReported) return isSentAgain(refusal) ? refuseSlowly(request, reply, refusal) : refuse(request, reply, refusal)
    if (load.shedsUnknown()) return refuse(request, reply, { code: 'overloaded' })
    identity.reported = refusal.code
    forward(request, reply, wasMeantForUs(credential, identity), admit)
  }

  /** Behind an announced end (RFC 9112, 9.6), nothing is looked at: it may have been the body of the request before. */
  function isBehindEnd ({ raw }: FastifyRequest, reply: FastifyReply): boolean {
    if (connections.of(raw.socket).latest?.endsConnection !== true) return false
    reply.hijack()
    return true
  }

  /** The response has, or its connection. What never began has no identity, and no record. */
  function closed (request: FastifyRequest, reply: FastifyReply): void {
    // Undefined where Fastify could not read the request: what it then makes isn't decorated.
    if (request.identity != null) recordClosed(request, reply, parts)
  }

  /** Begins the request's record. */
  function accept (request: FastifyRequest, reply: FastifyReply): Identity {
    const { raw } = request
    const connection = connections.of(raw.socket)
    const identity = new Identity(requestIdOf(raw.headers['x-request-id']), raw, clientOf(raw.headers, connection.peer, trusted))
    request.identity = identity
    identity.endsConnection = parts.isDraining() || losesWhatFollows(raw)
    connection.latest = identity
    slowClients.expectBody(raw, reply.raw, identity)
    announceKeepAlive(reply.raw, gateway)
    return identity
  }

  /**
   * For those who send more keys than are looked up, and would send the next as soon as they have the answer. Holds up
   * the connection, and with it all that is pipelined; not a proxy's, whose next request may be anybody's.
   */
  function refuseSlowly (request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
    if (request.identity.client.isForwarded) return refuse(request, reply, refusal)
    setTimeout(() => { if (!reply.raw.destroyed) refuse(request, reply, refusal) }, slowRefusalMs).unref()
  }

  function forward (request: FastifyRequest, reply: FastifyReply, dropsAuthorization: boolean, admit: () => void): void {
    // The client left while its key was looked up.
    const { socket } = request.raw
    if (socket.destroyed) return
    if (unreadable.isBroken(request.raw)) return refuse(request, reply, brokenBody)
    const forwarding = forwardingFor(request, upstreamHeaders, dropsAuthorization)
    if (forwarding === null) return refuse(request, reply, { code: 'body_too_large' })
    request.identity.forwarding = forwarding
    request.identity.response = reply.raw
    parts.openRequests.add(request.identity)
    if (isUpgrade(request.raw)) {
      tunnel(request, reply, parts.openRequests)
      return
    }
    if (request.raw.headers.expect !== undefined && request.raw.httpVersionMinor > 0) reply.raw.writeContinue()
    parts.engine.forward(request, reply, admit)
  }

  /** Of an answer that is passed on. One that comes before the request has ended is the connection's last. */
  function responseHeadersOf ({ identity, raw }: FastifyRequest): Record<string, string> {
    identity.endsConnection ||= parts.isDraining() || !raw.complete
    return ownHeaders(identity)
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

function unmatched (match: Exclude<Match, { kind: 'route' }>): Refusal {
  switch (match.kind) {
    case 'ambiguous': return { code: 'ambiguous_path', detail: sentence(match.reason) }
    case 'bad': return { code: 'bad_request', detail: sentence(match.reason) }
    case 'not_found': return { code: 'route_not_found' }
    case 'method_not_allowed': return { code: 'method_not_allowed', headers: { allow: match.allow } }
  }
}

function sentence (reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}
