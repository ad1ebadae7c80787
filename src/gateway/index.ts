import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { Verification, Verifier } from '../keys/verifier.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { holdsScopes } from '../routes/scopes.ts'
import type { Match, RouteTable } from '../routes/route-table.ts'
import { failureCode } from '../upstreams/failure.ts'
import type { Engine } from '../upstreams/forwarding.ts'
import type { UpstreamSet } from '../upstreams/upstream-set.ts'
import type { UsageRecorder } from '../usage/recorder.ts'
import { type Credential, readCredential } from './credential.ts'
import { forwardingFor } from './forward.ts'
import { answerHealth } from './health.ts'
import { Identity } from './identity.ts'
import { recordOnClose } from './record.ts'
import { insufficientScope, keyRefusal, missingKey, type Refusal, refuse } from './refuse.ts'
import { requestIdOf } from './request-id.ts'
import { insanityOf, originForm } from './sane-request.ts'
import { fastifyOptions, limits, tuneServer } from './server-options.ts'
import { Turns } from './turns.ts'
import { UnreadableRequests } from './unreadable-request.ts'

declare module 'fastify' {
  interface FastifyRequest { identity: Identity }
}

export interface GatewayParts {
  readonly config: Pick<Config, 'keys'>
  /** The table in force. Asked once a request, so that a reload swaps it whole. */
  readonly routeTable: () => RouteTable
  readonly upstreams: UpstreamSet
  readonly verifier: Verifier
  readonly usage: UsageRecorder
  readonly metrics: GatewayMetrics
  readonly engine: Engine
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
  readonly logger: Logger
}

/**
 * The data plane. Read the onRequest hook from top to bottom to know what a request must pass, and in which order:
 * sane, routed, key present, key valid, scopes held; then it is forwarded. Each is recorded once, when its response
 * has closed, and before that the next of its connection doesn't begin. Bodies aren't touched before a request is
 * admitted.
 */
export async function createGateway (parts: GatewayParts): Promise<FastifyInstance> {
  const { config: { keys }, upstreams, verifier, metrics, logger } = parts
  const unreadable = new UnreadableRequests(metrics, logger)
  const turns = new Turns()
  /** The last request of each connection that has begun. */
  const latest = new WeakMap<Socket, Identity>()
  const app = Fastify({
    ...fastifyOptions,
    rewriteUrl: originForm,
    clientErrorHandler: (err, socket) => unreadable.answer(err, socket),
    frameworkErrors: (err, request, reply) => turns.take(request.raw.socket, reply.raw, () => {
      if (isBehindEnd(request, reply)) return
      accept(request, reply)
      refuse(request, reply, { code: 'bad_request', detail: err.code === 'FST_ERR_BAD_URL' ? 'The path has an invalid percent-encoding.' : undefined })
    }),
  })
  tuneServer(app)
  app.decorateRequest('identity', null as unknown as Identity)

  app.addHook('onRequest', (request, reply, admit) => turns.take(request.raw.socket, reply.raw, () => {
    const { raw } = request
    if (isBehindEnd(request, reply)) return
    const identity = accept(request, reply)

    const insanity = insanityOf(raw, keys.header)
    if (insanity !== null) return refuse(request, reply, insanity)
    if (identity.path.startsWith('/-/')) return answerHealth(request, reply, parts.isReady())

    const match = parts.routeTable().match(request.method, raw.headers.host, identity.path)
    if (match.kind !== 'route') return refuse(request, reply, unmatched(match))
    const { route } = match
    identity.route = route
    identity.upstream = upstreams.get(route.upstream)

    if (route.auth === 'none') {
      metrics.authOutcome('public')
      return forward(request, reply, false, admit)
    }
    const credential = readCredential(raw.headers, keys)
    if (credential.isAmbiguous) return deny({ code: 'ambiguous_key' })
    if (credential.key === null) return deny(missingKey(keys))

    const verification = verifier.verify(credential.key)
    if (verification instanceof Promise) verification.then(judge).catch(fail)
    else judge(verification) // from the cache: no promise, no later tick

    function judge ({ status, key }: Verification): void {
      identity.key = key
      if (status !== 'valid') return deny(keyRefusal(status))
      if (!holdsScopes(key!.scopes, route.scopes)) return deny(insufficientScope(route.scopes))
      metrics.authOutcome('valid')
      identity.isVouchedFor = true
      forward(request, reply, credential.isInAuthorization, admit)
    }

    function deny (refusal: Refusal): void {
      metrics.authOutcome(route.auth === 'report' ? `reported_${refusal.code}` : refusal.code)
      if (route.auth !== 'report') return refuse(request, reply, refusal)
      identity.reported = refusal.code
      forward(request, reply, wasMeantForUs(credential, identity), admit)
    }

    function fail (err: unknown): void {
      logger.error({ err, requestId: identity.requestId }, 'judging a request failed')
      if (!reply.sent) refuse(request, reply, { code: 'internal_error' })
    }
  }))

  await parts.engine.register(app, {
    forwardingOf: request => request.identity.forwarding!,
    responseHeadersOf,
    onFailure: (request, reply, code) => refuse(request, reply, { code }),
  })
  // Nothing passes onRequest unadmitted, so whoever gets here was admitted and then found no engine: fail closed.
  app.setNotFoundHandler((request, reply) => refuse(request, reply, { code: 'internal_error' }))
  app.setErrorHandler((err, request, reply) => {
    const failure = request.identity.forwarding?.failure ?? null
    if (failure !== null) return refuse(request, reply, { code: failureCode(failure) })
    logger.error({ err, requestId: request.identity.requestId }, 'forwarding a request failed')
    refuse(request, reply, { code: 'internal_error' })
  })
  return app

  /** Behind an announced end (RFC 9112, 9.6), nothing is looked at: it may have been the body of the request before. */
  function isBehindEnd ({ raw }: FastifyRequest, reply: FastifyReply): boolean {
    if (latest.get(raw.socket)?.endsConnection !== true) return false
    reply.hijack()
    return true
  }

  /** Begins the request's record. */
  function accept (request: FastifyRequest, reply: FastifyReply): Identity {
    request.identity = new Identity(requestIdOf(request.raw.headers['x-request-id']), request.raw)
    reply.headers(responseHeadersOf(request))
    recordOnClose(request, reply, parts)
    unreadable.answering(request.raw.socket, reply.raw)
    request.identity.endsConnection = parts.isDraining()
    latest.set(request.raw.socket, request.identity)
    return request.identity
  }

  function forward (request: FastifyRequest, reply: FastifyReply, dropsAuthorization: boolean, admit: () => void): void {
    // The client left while its key was looked up.
    const { socket } = request.raw
    if (socket.destroyed) return
    const forwarding = forwardingFor(request, keys.header, dropsAuthorization)
    if (forwarding === null) return refuse(request, reply, { code: 'body_too_large' })
    request.identity.forwarding = forwarding
    if (forwarding.hasBody) {
      socket.setTimeout(limits.bodyIdleTimeoutMs)
      request.raw.once('end', () => socket.setTimeout(0))
    }
    if (request.raw.headers.expect !== undefined) reply.raw.writeContinue()
    admit()
  }

  function responseHeadersOf ({ identity }: FastifyRequest): Record<string, string> {
    return parts.isDraining() ? { 'x-request-id': identity.requestId, connection: 'close' } : { 'x-request-id': identity.requestId }
  }

  /** With `auth: report`, a bearer that can't be a key of ours is the upstream's own credential and stays. */
  function wasMeantForUs ({ isInAuthorization, isAuthorizationBranded }: Credential, { key }: Identity): boolean {
    return isInAuthorization && (isAuthorizationBranded || key !== null || keys.checksum === 'optional')
  }
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
