import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { type ProblemCode, problemBody, problems } from '../errors.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'

/** Answers what node:http could not read as a request, in the same form as every other refusal, and closes. */
export class UnreadableRequests {
  readonly #metrics: GatewayMetrics
  readonly #logger: Logger
  /** Responses under way by socket: ours must not run into one of them. */
  readonly #answering = new WeakMap<Socket, number>()

  constructor (metrics: GatewayMetrics, logger: Logger) {
    this.#metrics = metrics
    this.#logger = logger
  }

  /** Notes that a response is under way on a socket, until it closes. */
  answering (socket: Socket, response: ServerResponse): void {
    this.#answering.set(socket, (this.#answering.get(socket) ?? 0) + 1)
    response.once('close', () => this.#answering.set(socket, (this.#answering.get(socket) ?? 1) - 1))
  }

  answer (err: NodeJS.ErrnoException, socket: Socket): void {
    const isAnswering = (this.#answering.get(socket) ?? 0) > 0
    if (err.code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy()
      return
    }
    const code = codeOf(err)
    const requestId = randomUUID()
    const body = problemBody(code, requestId)
    const { status, title } = problems[code]
    socket.end([
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'connection: close',
      '', body,
    ].join('\r\n'))
    this.#metrics.requestFinished('none', 'OTHER', status, 0)
    this.#logger.info({ requestId, status, code, address: socket.remoteAddress, reason: err.code }, 'request')
  }
}

function codeOf (err: NodeJS.ErrnoException & { readonly reason?: string }): ProblemCode {
  if (err.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  if (err.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  // A control or an 8-bit character.
  if (err.code === 'HPE_INVALID_URL' && err.reason?.startsWith('Invalid char in url')) return 'ambiguous_path'
  return 'bad_request'
}
