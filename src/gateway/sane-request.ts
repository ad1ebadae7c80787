import type { IncomingMessage } from 'node:http'
import type { ProblemCode } from '../errors.ts'

/** Header lines that a request may have. node:http bounds their bytes (maxHeaderSize), not their number. */
export const headerLinesMax = 128

// A host name, an IPv4 address or a bracketed IPv6 address, with a port or without.
const validHost = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/

const plainTarget = /^[!"$-~]+$/

export interface Insanity {
  readonly code: ProblemCode
  readonly detail: string
}

/**
 * What node:http lets through and a gateway must not: anything that we and an upstream could read differently.
 * The path is judged where it is matched (routes/).
 */
export function insanityOf (raw: IncomingMessage, keyHeader: string): Insanity | null {
  const lines = raw.rawHeaders
  if (lines.length > headerLinesMax * 2) return { code: 'headers_too_large', detail: `The request has more than ${headerLinesMax} header lines.` }
  let hosts = 0
  let keys = 0
  let authorizations = 0
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!.toLowerCase()
    if (name === 'host') hosts++
    else if (name === keyHeader) keys++
    else if (name === 'authorization') authorizations++
  }
  // node:http reads any version, and HTTP/2.0 as if it were 1.0.
  if (raw.httpVersionMajor !== 1) return bad('Only HTTP/1.0 and HTTP/1.1 are understood here.')
  if (hosts > 1) return bad('The request has more than one Host header.')
  if (hosts === 0 && raw.httpVersionMinor > 0) return bad('The request has no Host header.')
  if (raw.headers.host !== undefined && raw.headers.host !== '' && !validHost.test(raw.headers.host)) return bad('The Host header is not a valid host.')
  if (keys > 1) return { code: 'ambiguous_key', detail: `The request has more than one ${keyHeader} header. Send exactly one.` }
  if (authorizations > 1) return bad('The request has more than one Authorization header.')
  const coding = raw.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return bad('Transfer-Encoding may only be chunked.')
  if (raw.httpVersionMinor === 0 && coding !== undefined) return bad('HTTP/1.0 has no Transfer-Encoding.')
  if (!raw.url?.startsWith('/')) return bad('The request target must be a path.')
  if (!plainTarget.test(raw.url)) return { code: 'ambiguous_path', detail: 'The path or the query has a #, a control or an 8-bit character. Percent-encode it.' }
  return null
}

function bad (detail: string): Insanity {
  return { code: 'bad_request', detail }
}

/**
 * An absolute-form target as origin-form, as proxies and some clients send it; its authority wins over Host (RFC 9112,
 * 3.2.2). Any other target is returned as it is.
 */
export function originForm (raw: IncomingMessage): string {
  const target = raw.url ?? '/'
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(target)
  if (absolute === null) return target
  raw.headers.host = absolute[1]
  const path = target.slice(absolute[0].length)
  return path.startsWith('/') ? path : `/${path}`
}
