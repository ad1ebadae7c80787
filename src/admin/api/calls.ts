import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf } from '../authenticate.ts'
import { Paths } from '../paths.ts'
import { sendProblem } from '../problem.ts'
import type { Answer, Call, Handler, Handlers } from './call.ts'
import { type Operation, operationsOf, readDocument } from './document.ts'
import { ApiError, apiErrorOf } from './failure.ts'
import { Validation } from './validation.ts'

const jsonType = 'application/json'

/** Adds every operation of the OpenAPI document to `/v1`, behind the hook that knows the caller. Returns their paths. */
export function addCalls (v1: FastifyInstance, handlers: Handlers): Paths {
  const document = readDocument()
  const validation = new Validation(document.components.schemas)
  readBodies(v1)
  const paths = new Paths()
  for (const operation of operationsOf(document)) {
    paths.add(operation.url, operation.method)
    v1.route({
      method: operation.method,
      url: operation.url.replace(/^\/v1/, ''),
      ...operation.bodyBytesMax === null ? {} : { bodyLimit: operation.bodyBytesMax },
      // Before the body is read.
      onRequest: async (request, reply) => {
        if (operation.rights === 'write' && request.caller.rights !== 'write') return sendProblem(request, reply, 'read_only_token')
      },
      handler: async (request, reply) => await answer(request, reply, operation, validation, handlers[operation.id] as Handler),
    })
  }
  return paths
}

async function answer (request: FastifyRequest, reply: FastifyReply, operation: Operation, validation: Validation, handle: Handler): Promise<FastifyReply> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  try {
    const contentType = contentTypeOf(request)
    // Of JSON, text is a value like any other.
    const isText = typeof request.body === 'string' && contentType !== jsonType
    if (isText && !operation.body?.textTypes.includes(contentType)) throw new ApiError('unsupported_media_type')
    const received = validation.check(operation, {
      params: request.params as Record<string, unknown>,
      query: request.query as Record<string, unknown>,
      headers: request.headers,
      body: request.body,
      isText,
    })
    const call = { ...received, contentType, caller: request.caller, token: bearerOf(request), requestId: request.id, signal: gone.signal } as unknown as Call
    return await send(request, reply, operation, await handle(call))
  } catch (err) {
    const problem = apiErrorOf(err)
    if (problem === null) throw err
    if (problem.isOurs) request.log.warn({ err: problem.cause, requestId: request.id }, 'a call of the admin API failed')
    if (problem.code === 'key_store_unavailable' || problem.code === 'overloaded') reply.header('retry-after', '1')
    return sendProblem(request, reply, problem.code, problem.detail, problem.members)
  }
}

async function send ({ method }: FastifyRequest, reply: FastifyReply, { status }: Operation, { body, headers = {}, stream }: Answer): Promise<FastifyReply> {
  reply.code(status).headers(headers)
  if (stream !== undefined) {
    if (method !== 'HEAD') return reply.type(stream.type).send(stream.readable)
    // Fastify would read it to its end, for nobody.
    stream.readable.destroy()
    return reply.type(stream.type).send(Readable.from([]))
  }
  return body === undefined ? reply.send() : reply.type('application/json').send(JSON.stringify(body))
}

/** JSON, with an empty body for none, and the types of imports as text. Anything else is refused. */
function readBodies (v1: FastifyInstance): void {
  const parseJson = v1.getDefaultJsonParser('error', 'error')
  v1.removeAllContentTypeParsers()
  v1.addContentTypeParser(jsonType, { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined)
    else parseJson(request, body, done)
  })
  v1.addContentTypeParser(['text/csv', 'application/x-ndjson'], { parseAs: 'string' }, (_request, body, done) => done(null, body))
}

function contentTypeOf ({ headers }: FastifyRequest): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
}
