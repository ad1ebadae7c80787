import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { type ProblemCode, problemBody, problems } from '../errors.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import { BrokenBodyError } from '../upstreams/failure.ts'
import type { Identity } from './identity.ts'
import type { Turns } from './turns.ts'

/** How long what a client goes on sending is read and thrown away, so that the refusal isn't lost to a reset. */
const lingerMs = 1_000
const cutShortCode = 'LATCHKEY_CUT_SHORT'

/**
 * Answers what node:http could not read as a request, in the same form as every other refusal, and closes: in its turn,
 * so that requests which came before on the connection get their answers.
 */
export class UnreadableRequests {
  readonly #turns: Turns
  readonly #metrics: GatewayMetrics
  readonly #logger: Logger
  readonly #brokenBodies = new WeakSet<object>()
  /** Nothing more is read of them. The parser reports each further piece as another error. */
  readonly #givenUp = new WeakSet<Socket>()

  constructor (turns: Turns, metrics: GatewayMetrics, logger: Logger) {
    this.#turns = turns
    this.#metrics = metrics
    this.#logger = logger
  }

  /** To be called when a client has ended its side in the midst of a body whose length it had announced: no client error. */
  cutShort (socket: Socket, begun: Identity | null): void {
    this.answer(Object.assign(new Error('cut short'), { code: cutShortCode }), socket, begun)
  }

  /** To be called where a connection's first request didn't come in time: what node:http would tell. */
  silent (socket: Socket): void {
    this.answer(Object.assign(new Error('silent'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket, null)
  }

  /** `begun` is the last request of the connection that has begun. */
  answer (err: NodeJS.ErrnoException, socket: Socket, begun: Identity | null): void {
    if (err.code === 'ECONNRESET' || (!socket.writable && !this.#givenUp.has(socket))) {
      socket.destroy()
      return
    }
    // Bytes behind an announced end (RFC 9112, 9.6): the answer to what came before goes out, and ends the connection.
    if (this.#givenUp.has(socket) || err.code === 'HPE_CLOSED_CONNECTION') return
    this.#givenUp.add(socket)
    const { response, latest } = this.#turns.of(socket)
    if (latest !== null && !latest.req.complete) {
      // Who ends in the midst of a body has gone, as a rule: recorded as such.
      if (response === latest && isCutShort(err)) socket.destroy()
      else this.#breakOff(latest, response === latest ? begun : null)
    } else this.#turns.whenFree(socket, () => this.#refuse(codeOf(err), socket, err.code))
  }

  /** Whether the request's body can't be read to its end: then it must not be forwarded. */
  isBroken (raw: object): boolean {
    return this.#brokenBodies.has(raw)
  }

  /** Answers CONNECT, whose socket node:http has let go of. */
  refuseConnect (socket: Socket): void {
    socket.on('error', () => socket.destroy())
    this.#turns.takeLast(socket, () => this.#refuse('bad_request', socket, 'CONNECT'))
  }

  /** `identity` is null while the request waits for its turn, or for its record. */
  #breakOff ({ req, socket, headersSent, writableEnded }: ServerResponse, identity: Identity | null): void {
    this.#brokenBodies.add(req)
    if (writableEnded) req.socket.destroySoon()
    else if (headersSent) socket?.destroy()
    // Not on its way yet: forward() asks isBroken().
    else identity?.forwarding?.abort?.(new BrokenBodyError('the body is malformed or was cut short'))
  }

  #refuse (code: ProblemCode, socket: Socket, reason: string | undefined): void {
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const requestId = randomUUID()
    const body = problemBody(code, requestId)
    const { status, title } = problems[code]
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(timer))
    socket.resume()
    socket.end([
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'connection: close',
      '', body,
    ].join('\r\n'))
    this.#metrics.requestFinished('none', 'OTHER', status, 0)
    this.#logger.info({ requestId, status, code, address: socket.remoteAddress, reason }, 'request')
  }
}

function isCutShort ({ code }: NodeJS.ErrnoException): boolean {
  return code === cutShortCode || code === 'HPE_INVALID_EOF_STATE'
}

function codeOf (err: NodeJS.ErrnoException & { readonly reason?: string }): ProblemCode {
  if (err.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  if (err.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  // A control or an 8-bit character.
  if (err.code === 'HPE_INVALID_URL' && err.reason?.startsWith('Invalid char in url')) return 'ambiguous_path'
  return 'bad_request'
}
