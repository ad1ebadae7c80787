import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { AnswerHead } from './answer-head.ts'

/** Of node:http's response, undocumented, there since Node 0.4 and 10: the head until the first write, and what it says of keep-alive. */
type Response = ServerResponse & { _header?: string, readonly _headerSent?: boolean, readonly _keepAliveTimeout?: number }

/**
 * Writes the head of an answer, without sending it: the upstream's headers and, over them, `added`. `body` is the whole
 * body (Latin-1) where it is known already: its length is then said even where the upstream didn't.
 */
export function writeHead (response: Response, { status, headers, names, contentLength, framing }: AnswerHead, added: Readonly<Record<string, string>>, body: string | null): void {
  for (const name in added) {
    for (let i = names.indexOf(name); i !== -1; i = names.indexOf(name)) {
      names.splice(i, 1)
      headers.splice(2 * i, 2)
    }
    headers.push(name, added[name]!)
  }
  // Behind a length, node:http would take Content-Disposition for UTF-8.
  if (contentLength !== null) headers.push('content-length', String(contentLength))
  else if (body !== null && framing !== 'none') headers.push('content-length', String(body.length))
  if (body !== null && isUsual(response, names, added)) {
    response.statusCode = status
    response._header = headText(status, headers, response._keepAliveTimeout!)
  } else response.writeHead(status, headers)
}

/** Whether node:http would change nothing of the head but say that the connection goes on. */
function isUsual (response: Response, names: readonly string[], added: Readonly<Record<string, string>>): boolean {
  return response.shouldKeepAlive && response.req.httpVersionMinor === 1 && !('connection' in added) && names.includes('date') && response._keepAliveTimeout !== undefined
}

/** What node:http would write. It checks every name and value once more, which costs as much as reading the answer did. */
function headText (status: number, headers: readonly string[], keepAliveMs: number): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]!}: ${headers[i + 1]!}\r\n`
  return `${text}Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`
}

/**
 * Sends the head and a whole body (Latin-1) as one text: with end(body) the socket gets two, and joining those costs a
 * quarter of what node:http needs for an answer.
 */
export function endWithHead (response: Response, body: string): void {
  // node:http sends a head with an Expect, whatever that means in an answer, at once.
  if (typeof response._header !== 'string' || response._headerSent !== false) response.end(body, 'latin1')
  else {
    response._header += body
    response.end()
  }
}
