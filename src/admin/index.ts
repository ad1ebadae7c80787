import { randomUUID } from 'node:crypto'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { TokenVerifier } from '../tokens/verifier.ts'
import { openApiText } from './api/document.ts'
import type { ApiParts } from './api/handlers/index.ts'
import { authenticate } from './authenticate.ts'
import type { Caller } from './caller.ts'
import type { Reference } from './docs/reference.ts'
import { readPageFiles } from './page-files.ts'
import { answerClientError, sendError, sendProblem } from './problem.ts'
import { isRebound } from './rebinding.ts'
import { addV1 } from './v1.ts'

/**
 * The control plane's listener, not yet listening. `/`, `/metrics`, `/healthz` and `/readyz` are open to whoever
 * reaches it, `/v1` only to the bearer of a token. Everything refused is a problem (RFC 9457).
 */
export function createAdmin ({ registry, isReady, tokens, version, logger, ...api }: AdminOptions): FastifyInstance {
  // Fastify says at level info that it listens, which server.ts says for both listeners.
  const loggerInstance: FastifyBaseLogger = logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level })
  const admin = Fastify({
    ...limits,
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // An address that can't be decoded, for which no hook runs.
    frameworkErrors: (err, request, reply) => sendError(err, request, withHeaders(request, reply)),
    clientErrorHandler: answerClientError,
  })
  admin.decorateRequest('caller', null as unknown as Caller)
  admin.setErrorHandler(sendError)
  admin.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'route_not_found'))
  admin.addHook('onRequest', async (request, reply) => {
    withHeaders(request, reply)
    if (isRebound(request)) return sendProblem(request, reply, 'bad_request', 'Over loopback, this port answers to an address, localhost or a name without a dot. A proxy in front of it has to send such a Host.')
  })

  for (const file of readPageFiles()) addOpen(admin, file.path, async request => file.answer(request.headers))
  addOpen(admin, '/metrics', async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }), api.config().admin.protectMetrics ? [authenticate(tokens)] : [])
  addOpen(admin, '/healthz', async () => json(200, { status: 'ok' }))
  addOpen(admin, '/readyz', async () => isReady() ? json(200, { status: 'ready' }) : json(503, { status: 'not ready' }))
  let reference: Reference | null = null
  addOpen(admin, '/docs', async () => {
    // Loaded and made once somebody reads it.
    reference ??= (await import('./docs/reference.ts')).createReference(openApiText)
    return { status: 200, type: 'text/html; charset=utf-8', body: reference.body, headers: { 'content-security-policy': reference.policy } }
  })
  addOpen(admin, '/openapi.json', async () => ({ status: 200, type: 'application/json', body: openApiText }))
  addV1(admin, tokens, { registry, isReady, version, ...api })
  return admin
}

export interface AdminOptions extends ApiParts {
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>
  /** Who may call `/v1`. */
  readonly tokens: Pick<TokenVerifier, 'verify'>
  readonly logger: Logger
}

/** All of this listener's time-outs and bounds. Closing it doesn't wait for anybody: nothing here is worth a delay. */
const limits = {
  connectionTimeout: 60_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  bodyLimit: 1_048_576,
  // An id of any length is a faulty one, and no path of ours is longer.
  routerOptions: { maxParamLength: 16_384 },
  http: { headersTimeout: 10_000, maxHeaderSize: 16_384 },
  forceCloseConnections: true,
}

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

function withHeaders (request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.headers({ ...headers, 'x-request-id': request.id })
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  /** In place of this listener's usual ones. */
  readonly headers?: Readonly<Record<string, string>>
}

function addOpen (admin: FastifyInstance, path: string, answer: (request: FastifyRequest) => Promise<Answer>, onRequest: onRequestAsyncHookHandler[] = []): void {
  admin.get(path, { onRequest }, async (request, reply) => {
    const { status, type, body, headers = {} } = await answer(request)
    return reply.code(status).headers(headers).type(type).send(body)
  })
  refuseOtherMethods(admin, path)
}

function refuseOtherMethods (admin: FastifyInstance, path: string): void {
  const method = admin.supportedMethods.filter((name) => name !== 'GET' && name !== 'HEAD')
  admin.route({
    method,
    url: path,
    // Answers before the body is read.
    onRequest: async (request, reply) => sendProblem(request, reply.header('allow', 'GET, HEAD'), 'method_not_allowed'),
    handler: () => {},
  })
}

function json (status: number, body: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}
