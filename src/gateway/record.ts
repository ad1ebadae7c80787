import type { Logger } from 'pino'
import { type ProblemCode, problems } from '../errors.ts'
import type { EarlierUses } from '../keys/earlier-uses.ts'
import { redactKeys } from '../keys/format.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { ClientGoneError, failureCode, isClientsLoss } from '../upstreams/failure.ts'
import type { UsageSink } from '../usage/no-usage.ts'
import type { Identity } from './identity.ts'
import type { OpenRequests } from './open-requests.ts'

/** nginx's status for a client that closed its connection before the response had ended. */
const clientClosedRequest = 499
const switchingProtocols = 101
/** Of what failureCode() says, that which is the upstream's fault and not the client's. */
const upstreamsFaults: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['upstream_unreachable', 'upstream_timeout', 'overloaded'])

export interface Recording {
  readonly metrics: GatewayMetrics
  readonly usage: UsageSink
  readonly openRequests: OpenRequests
  readonly earlierUses: EarlierUses
  readonly logger: Logger
}

/**
 * Records a request. To be called once, when its response has closed: that is the one event that comes for finished,
 * aborted and broken-off responses alike (Fastify's onResponse doesn't). Metrics and the log get every request, usage
 * those whose key was proven.
 */
export function recordClosed (identity: Identity, { metrics, usage, openRequests, earlierUses, logger }: Recording): void {
  const { request, response, route, key, forwarding } = identity
  const { method } = request
  const durationMs = identity.close()
  openRequests.remove(identity)
  // Nobody is left for whom the upstream could go on.
  if (forwarding !== null && forwarding.abort !== null && !response.isFinished) forwarding.abort(new ClientGoneError('client went away'))
  if (identity.isProbe) return
  const statusCode = finalStatus(identity)
  metrics.requestFinished(route === null ? 'none' : route.id, method, statusCode, durationMs)
  if (forwarding !== null) {
    if (forwarding.headMs !== null) metrics.upstreamFinished(forwarding.upstream.config.name, forwarding.headMs)
    const fault = upstreamsFault(identity)
    if (fault !== null) metrics.upstreamFailed(forwarding.upstream.config.name, fault)
  }
  if (key !== null) {
    usage.record({
      keyId: key.id,
      route: route!.id,
      endpoint: identity.path,
      routePath: route!.path,
      method,
      statusCode,
      ipAddress: identity.client.address,
      userAgent: request.headers['user-agent'] ?? null,
      responseTimeMs: Math.round(durationMs),
      requestBytes: identity.requestBytes,
      responseBytes: identity.responseBytes,
      createdAtMs: identity.startedAtMs,
      requestId: identity.requestId,
    })
    if (key.grace !== null) earlierUses.record(key.grace, identity.startedAtMs, request.headers['user-agent'] ?? null)
  }
  if (logger.isLevelEnabled('info')) logger.info(lineOf(identity, statusCode, durationMs), 'request')
}

function finalStatus (identity: Identity): number {
  if (identity.tunnel !== null) return switchingProtocols
  if (identity.response.isFinished) return identity.response.statusCode
  if (identity.endedBy !== null) return problems[identity.endedBy].status
  const failure = identity.forwarding?.failure ?? null
  if (failure === null || isClientsLoss(failure)) return clientClosedRequest
  return problems[failureCode(failure)].status
}

function upstreamsFault (identity: Identity): ProblemCode | null {
  const failure = identity.forwarding?.failure ?? null
  if (failure === null || isClientsLoss(failure) || identity.endedBy !== null) return null
  // The upstream's own answer arrived whole: what failed was the rest of the client's body, behind it.
  if (identity.refusal === null && identity.response.isFinished) return null
  const code = failureCode(failure)
  return upstreamsFaults.has(code) ? code : null
}

function lineOf (identity: Identity, status: number, durationMs: number): object {
  const { route, key, refusal, reported, endedBy, forwarding } = identity
  const failure = forwarding?.failure ?? null
  return {
    requestId: identity.requestId,
    method: identity.request.method,
    path: redactKeys(identity.path),
    route: route?.id,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    address: identity.client.address,
    keyId: key?.id,
    keyPrefix: key?.prefix,
    earlierSecretId: key?.grace?.id,
    code: refusal ?? undefined,
    reported: reported ?? undefined,
    endedBy: endedBy ?? undefined,
    upstream: forwarding?.upstream.config.name,
    failure: failure === null ? undefined : String(failure),
  }
}
