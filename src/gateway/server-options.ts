import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { GatewayConfig } from '../config/config.ts'
import { GatewayRequest } from './upgrade-request.ts'

/** node:http answers 431 above. */
const headerBytesMax = 16_384
/** How late a head that is overdue may be noticed, in shares of its time-out; node's own 30 s would be twice the default. */
const overdueShare = 0.1
const checkEveryMs = { least: 100, most: 5_000 } as const

type Timeouts = Pick<GatewayConfig, 'headersTimeoutMs' | 'sendTimeoutMs'>

/**
 * Time-outs and bounds of the clients' listener. Not set here: the number of header lines (sane-request.ts), the body's
 * size (a route's `bodyBytesMax`) and its time-out (slow-clients.ts), connections (connections.ts).
 */
export function fastifyOptions ({ headersTimeoutMs }: Timeouts) {
  return {
    logger: false,
    // Both would answer in Fastify's own format, before onRequest.
    return503OnClosing: false,
    // There is no bound on the whole: large uploads take their time.
    requestTimeout: 0,
    // connections.ts ends those that are idle.
    keepAliveTimeout: 0,
    // Connections are drained by server.ts.
    forceCloseConnections: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    exposeHeadRoutes: false,
    // The catch-all must match whatever the route table matched.
    routerOptions: { maxParamLength: headerBytesMax },
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(Math.max(headersTimeoutMs * overdueShare, checkEveryMs.least), checkEveryMs.most),
      // Checked in sane-request.ts: node:http's own answer is empty.
      requireHostHeader: false,
      IncomingMessage: GatewayRequest,
      noDelay: true,
      keepAlive: true,
    },
  } as const satisfies FastifyServerOptions & { http: object }
}

export function tuneServer (app: FastifyInstance, { sendTimeoutMs }: Timeouts): void {
  // Of idle sockets; what that means is decided in slow-clients.ts. A head has its own, which must not be cut short.
  app.server.timeout = sendTimeoutMs
  // Node drops the lines beyond this count silently (0: none), with any Transfer-Encoding among them.
  app.server.maxHeadersCount = 0
  // Of a peer that reset the connection before it was accepted, the request can still be read, but not the address.
  app.server.prependListener('connection', socket => { if (socket.remoteAddress === undefined) socket.destroy() })
  // Without a listener, node:http asks for the body before the key was looked at.
  app.server.on('checkContinue', (request, response) => { app.routing(request, response) })
  // And refuses any other expectation by itself, without a problem, a metric or a line in the log.
  app.server.on('checkExpectation', (request, response) => { app.routing(request, response) })
}

/** Undocumented: what node:http would set, had it the timer, and names in `Keep-Alive: timeout`, so that clients let go of a connection before we do. */
export function announceKeepAlive (response: ServerResponse & { _keepAliveTimeout?: number }, { keepAliveTimeoutMs }: Pick<GatewayConfig, 'keepAliveTimeoutMs'>): void {
  response._keepAliveTimeout = keepAliveTimeoutMs
}
