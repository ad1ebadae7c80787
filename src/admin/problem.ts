import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemBody, problems } from '../errors.ts'
import type { ProblemCode } from '../errors.ts'

export function sendProblem (request: FastifyRequest, reply: FastifyReply, code: ProblemCode, detail?: string, members: Readonly<Record<string, unknown>> = {}): FastifyReply {
  return reply.code(problems[code].status).type('application/problem+json').send(problemBody(code, request.id, detail === undefined ? members : { detail, ...members }))
}

/** What Fastify or a handler threw. The cause of a failure of ours goes to the log alone. */
export function sendError (err: Error & { statusCode?: number, code?: string }, request: FastifyRequest, reply: FastifyReply): void {
  const code = codeOf(err.statusCode ?? 500)
  if (code === 'internal_error') request.log.error({ err }, 'the admin listener failed to answer')
  sendProblem(request, reply, code, code === 'bad_request' && isBodysFault(err) ? 'The body is not valid JSON.' : undefined)
}

function isBodysFault (err: Error & { code?: string }): boolean {
  return err instanceof SyntaxError || err.code === 'FST_ERR_CTP_INVALID_JSON_BODY'
}

/** What node:http refused before there was a request. */
export function answerClientError (err: NodeJS.ErrnoException, socket: Socket): void {
  if (err.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const code = clientErrors.get(err.code ?? '') ?? 'bad_request'
  const { status } = problems[code]
  const body = problemBody(code, '')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

const clientErrors: ReadonlyMap<string, ProblemCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
] as const)

function codeOf (status: number): ProblemCode {
  if (status === 404) return 'route_not_found'
  if (status === 413) return 'body_too_large'
  if (status === 415) return 'unsupported_media_type'
  return status >= 400 && status < 500 ? 'bad_request' : 'internal_error'
}
