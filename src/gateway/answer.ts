import { headerLine } from '../upstreams/header-lines.ts'
import { graceLines } from './grace-lines.ts'
import type { Identity } from './identity.ts'

/** Header lines that the gateway puts on every response. They take the place of any of the same names. */
export function ownLines ({ requestId, key }: Identity): string {
  const lines = headerLine('x-request-id', requestId)
  return key === null || key.grace === null ? lines : lines + graceLines(key.grace, key)
}

/** Sends an answer of the gateway's own. `lines` are header lines, complete but for those that every response has. */
export function answer (identity: Identity, status: number, lines: string, body: string): void {
  // Its bytes, as responses take them.
  const bytes = Buffer.from(body).toString('latin1')
  identity.response.send({ status, lines: lines + ownLines(identity), hasDate: false, contentLength: bytes.length, isBodyless: false }, bytes)
}
