import type { FastifyInstance, FastifyServerOptions } from 'fastify'

/**
 * Every time-out and bound of the clients' listener, in one place. Not set here: the number of header lines
 * (sane-request.ts), the body's size (a route's `bodyBytesMax`) and the upstreams' time-outs (the configuration).
 */
export const limits = {
  /** node:http answers 431 above. */
  headerBytesMax: 16_384,
  headersTimeoutMs: 15_000,
  /** Idle connections. Load balancers keep theirs for 60 s as a rule; ours must outlive those, or they meet a closing one. */
  keepAliveTimeoutMs: 65_000,
  /** A body that stops arriving for so long is given up. There is no bound on the whole: large uploads take their time. */
  bodyIdleTimeoutMs: 60_000,
} as const

export const fastifyOptions = {
  logger: false,
  // Both would answer in Fastify's own format, before onRequest.
  return503OnClosing: false,
  requestTimeout: 0,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  // Connections are drained by server.ts.
  forceCloseConnections: false,
  bodyLimit: Number.MAX_SAFE_INTEGER,
  exposeHeadRoutes: false,
  // The catch-all must match whatever the route table matched.
  routerOptions: { maxParamLength: limits.headerBytesMax },
  http: {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // Checked in sane-request.ts: node:http's own answer is empty.
    requireHostHeader: false,
    noDelay: true,
    keepAlive: true,
  },
} as const satisfies FastifyServerOptions & { http: object }

export function tuneServer (app: FastifyInstance): void {
  // Node drops the lines beyond this count silently (0: none), with any Transfer-Encoding among them.
  app.server.maxHeadersCount = 0
  // Of a peer that reset the connection before it was accepted, the request can still be read, but not the address.
  app.server.prependListener('connection', socket => { if (socket.remoteAddress === undefined) socket.destroy() })
  // Without a listener, node:http asks for the body before the key was looked at.
  app.server.on('checkContinue', (request, response) => { app.routing(request, response) })
}
