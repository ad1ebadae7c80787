import type { Forwarding } from '../forwarding.ts'

/** The head of a request (latin1) with its empty line. Its parts come from a parser that takes no line break in them, or were checked where they come from. */
export function requestHead ({ method, path, host, headerLines, hasBody }: Forwarding, targetHost: string, isChunked: boolean): string {
  const framing = isChunked ? 'transfer-encoding: chunked\r\n' : !hasBody && expectsBody(method) ? 'content-length: 0\r\n' : ''
  return `${method} ${path} HTTP/1.1\r\nhost: ${host ?? targetHost}\r\nconnection: keep-alive\r\n${framing}${headerLines}\r\n`
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
