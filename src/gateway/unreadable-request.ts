import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { type ProblemCode, problemBody, problems } from '../errors.ts'

/** What node:http's parser found, as a problem's code. */
function codeOf (err: NodeJS.ErrnoException): ProblemCode {
  if (err.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  if (err.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  return 'bad_request'
}

/**
 * Answers what could not be read as a request, and closes. Returns what was answered; null where the socket takes
 * no more, or where bytes of another answer may already be on it.
 */
export function answerUnreadable (err: NodeJS.ErrnoException, socket: Socket): ProblemCode | null {
  if (err.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return null
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
  return code
}
