import type { ServerResponse } from 'node:http'
import type { AnswerHead } from './answer-head.ts'

/**
 * Writes the head of an answer, without sending it: the upstream's headers and, over them, `added`. `body` is the whole
 * body (Latin-1) where it is known already: its length is then said even where the upstream didn't.
 */
export function writeHead (response: ServerResponse, { status, headers, names, contentLength, framing }: AnswerHead, added: Readonly<Record<string, string>>, body: string | null): void {
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
  response.writeHead(status, headers)
}

/**
 * Sends the head and a whole body (Latin-1) as one text: with end(body) the socket gets two, and joining those costs a
 * quarter of what node:http needs for an answer. Undocumented: the head as it is kept until the first write, there since
 * Node 0.4.
 */
export function endWithHead (response: ServerResponse & { _header?: string }, body: string): void {
  if (typeof response._header !== 'string') response.end(body, 'latin1')
  else {
    response._header += body
    response.end()
  }
}
