import type { Forwarding } from '../forwarding.ts'

/**
 * The head of a request (latin1) with its empty line. Its parts come from a parser that takes no line break in them, or
 * were checked where they come from; throws where there is one all the same.
 */
export function requestHead ({ method, path, host, headers, hasBody }: Forwarding, targetHost: string, isChunked: boolean): string {
  let lines = 4 + headers.length / 2
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host ?? targetHost}\r\nconnection: keep-alive\r\n`
  if (isChunked) {
    head += 'transfer-encoding: chunked\r\n'
    lines++
  } else if (!hasBody && expectsBody(method)) {
    head += 'content-length: 0\r\n'
    lines++
  }
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]!}: ${headers[i + 1]!}\r\n`
  head += '\r\n'
  if (!hasBreaks(head, lines)) throw new Error('a line break within the head of a request')
  return head
}

/** Methods whose requests say that they have no body (RFC 9110, 8.6): some servers ask for the length otherwise. */
function expectsBody (method: string): boolean {
  switch (method) {
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'QUERY':
    case 'PROPFIND':
    case 'PROPPATCH':
      return true
    default:
      return false
  }
}

/** Whether there are so many line feeds, each behind a carriage return, and none of either besides. */
function hasBreaks (head: string, count: number): boolean {
  let at = -1
  for (; count > 0; count--) {
    const carriageReturn = head.indexOf('\r', at + 1)
    const lineFeed = head.indexOf('\n', at + 1)
    if (lineFeed === -1 || lineFeed !== carriageReturn + 1) return false
    at = lineFeed
  }
  return at === head.length - 1
}
