import { headerLine } from '../upstreams/header-lines.ts'
import type { Identity } from './identity.ts'

/** Header lines that the gateway puts on every response. */
export function ownLines ({ requestId }: Identity): string {
  return headerLine('x-request-id', requestId)
}

/** Sends an answer of the gateway's own. `lines` are header lines, complete but for those that every response has. */
export function answer (identity: Identity, status: number, lines: string, body: string): void {
  // Its bytes, as responses take them.
  const bytes = Buffer.from(body).toString('latin1')
  identity.response.send({ status, lines: lines + ownLines(identity), hasDate: false, contentLength: bytes.length, isBodyless: false }, bytes)
}
