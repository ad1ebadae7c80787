import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { ProblemCode } from '../errors.ts'

/** Header lines that a request may have. node:http bounds their bytes (maxHeaderSize), not their number. */
export const headerLinesMax = 128

// A host name, an IPv4 address or something in brackets, with a port or without. RFC 3986 lets a name hold more (commas,
// percent-encodings, empty labels), none of which is in use and all of which is read in different ways.
const hostAndPort = /^(?:[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$/
const continueOnly = /^100-continue(?:[ \t]*,[ \t]*100-continue)*$/i

export const plainTarget = /^[!"$-~]+$/

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
  let host: string | undefined
  let keys = 0
  let authorizations = 0
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!.toLowerCase()
    if (name === 'host') {
      hosts++
      host = lines[i + 1]
    } else if (name === keyHeader) keys++
    else if (name === 'authorization') authorizations++
  }
  // node:http reads any version, and HTTP/2.0 as if it were 1.0.
  if (raw.httpVersionMajor !== 1) return bad('Only HTTP/1.0 and HTTP/1.1 are understood here.')
  if (hosts > 1) return bad('The request has more than one Host header.')
  if (hosts === 0 && raw.httpVersionMinor > 0) return bad('The request has no Host header.')
  if (host !== undefined && host !== '' && !isHost(host)) return bad('The Host header is not a valid host.')
  // The authority of an absolute-form target stands in its place by now (originForm).
  if (raw.headers.host !== host && !isHost(raw.headers.host ?? '')) return bad('The authority of the request target is not a valid host.')
  if (keys > 1) return { code: 'ambiguous_key', detail: `The request has more than one ${keyHeader} header. Send exactly one.` }
  if (authorizations > 1) return bad('The request has more than one Authorization header.')
  const coding = raw.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return bad('Transfer-Encoding may only be chunked.')
  if (raw.httpVersionMinor === 0 && coding !== undefined) return bad('HTTP/1.0 has no Transfer-Encoding.')
  if (!raw.url?.startsWith('/')) return bad('The request target must be a path.')
  if (!plainTarget.test(raw.url)) return { code: 'ambiguous_path', detail: 'The path or the query has a #, a control or an 8-bit character. Percent-encode it.' }
  const { expect } = raw.headers
  // HTTP/1.0 has no expectations (RFC 9110, 10.1.1).
  if (expect !== undefined && raw.httpVersionMinor > 0 && !continueOnly.test(expect)) return { code: 'expectation_failed', detail: 'The only expectation that is understood here is 100-continue.' }
  return null
}

export function isHost (text: string): boolean {
  return hostAndPort.test(text) && (text.charCodeAt(0) !== 91 || isIPv6(text.slice(1, text.indexOf(']'))))
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
  const absolute = /^https?:\/\/([^/?#]+)/i.exec(target)
  if (absolute === null) return target
  raw.headers.host = absolute[1]
  const path = target.slice(absolute[0].length)
  return path.startsWith('/') ? path : `/${path}`
}
