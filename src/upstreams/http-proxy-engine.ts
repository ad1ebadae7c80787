import { METHODS } from 'node:http'
import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failureCode } from './failure.ts'
import type { Engine, EngineOptions } from './forwarding.ts'
import { isConnectionHeader, nominatedHeaders } from './header-names.ts'
import { UpstreamClient, forwardingHeaders } from './upstream-client.ts'

/**
 * The reference engine: @fastify/http-proxy over undici. The plugin is kept to moving the two streams; where the
 * request goes and with which headers was decided before, and travels past the plugin's own URL and header
 * handling (see upstream-client.ts), so that nothing is parsed a second time.
 */
export class HttpProxyEngine implements Engine {
  async register (app: FastifyInstance, options: EngineOptions): Promise<void> {
    const client = new UpstreamClient()
    const methods = METHODS.filter(method => method !== 'CONNECT')
    // To Fastify none of them has a body: it would read text/plain itself, and refuse media types that it can't parse.
    for (const method of methods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
    await app.register(httpProxy, {
      upstream: '',
      httpMethods: methods,
      proxyPayloads: false,
      undici: client as unknown as object,
      preRewrite: () => '/',
      internalRewriteLocationHeader: false,
      disableRequestLogging: true,
      disableCache: false,
      // Ours is the only retry (upstream-client.ts). The plugin's own would repeat a GET up to ten times on a 503.
      replyOptions: {
        retryDelay: () => null,
        getUpstream: () => 'http://upstream.invalid',
        queryString: () => '',
        rewriteRequestHeaders: (request: FastifyRequest) => forwardingHeaders(options.forwardingOf(request), request.raw),
        rewriteHeaders: (headers: Headers, request: FastifyRequest | undefined) => responseHeaders(headers, request === undefined ? {} : options.responseHeadersOf(request)),
        onResponse: (_request: FastifyRequest, reply: FastifyReply, { stream }: UpstreamAnswer) => sendOn(reply, stream),
        onError: (reply: FastifyReply, { error }: { error: Error }) => {
          const { failure } = options.forwardingOf(reply.request)
          options.onFailure(reply.request, reply, failureCode(failure ?? error))
        },
      },
    } as Parameters<typeof httpProxy>[1])
  }
}

interface UpstreamAnswer {
  readonly stream: Readable
}

function sendOn (reply: FastifyReply, stream: Readable): void {
  // A status that HTTP doesn't have, refused through onError before.
  if (reply.sent) {
    stream.destroy()
    return
  }
  // It has no body, and undici fails where its Content-Length says otherwise (see upstream-client.ts).
  if (reply.statusCode === 304) {
    stream.on('error', () => {}).resume()
    reply.send()
    return
  }
  reply.send(stream)
  // The head would wait for the body's first byte, which an event stream may not send for hours. Not at once: most
  // answers have it here already, and then go out in one write.
  setImmediate(() => {
    if (!reply.raw.headersSent && !reply.raw.destroyed && !stream.errored) reply.raw.flushHeaders()
  })
}

type Headers = Record<string, string | string[] | undefined>

/** The upstream's headers without those of its connection; its `Connection` list can't remove what the gateway adds. */
function responseHeaders (headers: Headers, added: Record<string, string>): Headers {
  const { connection } = headers
  const nominated = nominatedHeaders(Array.isArray(connection) ? connection.join(',') : connection)
  const kept: Headers = {}
  for (const name in headers) {
    if (!isConnectionHeader(name) && !(nominated?.has(name) ?? false)) kept[name] = headers[name]
  }
  return Object.assign(kept, added)
}
