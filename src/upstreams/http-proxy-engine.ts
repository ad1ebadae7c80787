import { METHODS } from 'node:http'
import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import { type AnswerHeaders, hasNoBody, isEventStream, passedOnHeaders } from './answer.ts'
import type { ClientResponse } from './client-response.ts'
import { countPiped } from './count-piped.ts'
import { failureCode } from './failure.ts'
import type { Admitted, Engine, EngineOptions } from './forwarding.ts'
import { listedHeaders } from './header-lines.ts'
import type { OpenPool } from './target.ts'
import { UndiciPool } from './undici-pool.ts'
import { UpstreamClient, forwardingHeaders } from './upstream-client.ts'

/**
 * The reference engine: @fastify/http-proxy over undici. The plugin is kept to moving the two streams; where the
 * request goes and with which headers was decided before, and travels past the plugin's own URL and header
 * handling (see upstream-client.ts), so that nothing is parsed a second time.
 */
export class HttpProxyEngine implements Engine {
  readonly needsFastify = true
  readonly openPool: OpenPool = (address, config) => new UndiciPool(address, config)

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
        rewriteHeaders: (headers: AnswerHeaders, request: FastifyRequest | undefined) => {
          if (request !== undefined) options.forwardingOf(request).isEventStream = isEventStream(String(headers['content-type']))
          return passedOnHeaders(headers, request === undefined ? {} : ownHeaders(options, options.admittedOf(request)))
        },
        onResponse: (_request: FastifyRequest, reply: FastifyReply, { stream }: UpstreamAnswer) => sendOn(reply, stream, options.admittedOf(reply.request).response),
        onError: (reply: FastifyReply, { error }: { error: Error }) => {
          const { failure } = options.forwardingOf(reply.request)
          options.onFailure(options.admittedOf(reply.request), failureCode(failure ?? error))
        },
      },
    } as Parameters<typeof httpProxy>[1])
  }

  forward ({ admit }: Admitted): void {
    admit!()
  }
}

/** They take the place of the upstream's of the same names. */
function ownHeaders (options: EngineOptions, admitted: Admitted): Record<string, string> {
  const headers: Record<string, string> = {}
  const listed = listedHeaders(options.responseLinesOf(admitted, ''))
  for (let i = 0; i < listed.length; i += 2) headers[listed[i]!] = listed[i + 1]!
  if (admitted.response.endsConnection) headers['connection'] = 'close'
  return headers
}

interface UpstreamAnswer {
  /** A Dispatcher.ResponseData's body. */
  readonly stream: Readable
}

/** Enough to let an upstream's connection live on that sent a body where there is none. */
const droppedBodyBytesMax = 65_536

function sendOn (reply: FastifyReply, stream: Readable, response: ClientResponse): void {
  const { statusCode } = reply
  if (hasNoBody(statusCode)) {
    const body = stream as Dispatcher.ResponseData['body']
    body.dump({ limit: droppedBodyBytesMax }).catch(() => {})
    // A length belongs to a 304 alone, where it is that of the body left out.
    if (statusCode === 205) reply.header('content-length', '0')
    else if (statusCode === 204) reply.removeHeader('content-length')
    reply.send()
    return
  }
  countPiped(reply.raw, response)
  reply.send(stream)
  // The head would wait for the body's first byte, which an event stream may not send for hours. Not at once: most
  // answers have it here already, and then go out in one write.
  setImmediate(() => {
    if (!reply.raw.headersSent && !reply.raw.destroyed && !stream.errored) reply.raw.flushHeaders()
  })
}
