import { hasNoBody, headerLinesMax } from '../answer.ts'
import { nominatedHeaders } from '../header-names.ts'
import type { HeaderNames } from './header-names.ts'

/** How the end of a body is found (RFC 9112, 6.3); `none`: there is no body. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** The head of an answer, with what is passed on of it. */
export interface AnswerHead {
  /** 200 to 599 where a handler sees it. */
  readonly status: number
  readonly minorVersion: 0 | 1
  /**
   * Name as sent, value, name, value …, in the order of the lines, values trimmed (latin1). Without those of the
   * connection and those that it nominates, without what frames the message, and singletons once.
   */
  readonly headers: string[]
  /** The same names in lower case: `names[i]` is that of `headers[2 * i]`. */
  readonly names: string[]
  /** The Content-Length to pass on; null: none. With `framing: 'none'` that of the body left out (HEAD, 304). */
  readonly contentLength: number | null
  readonly framing: Framing
  /** Whether the connection outlives the answer, as far as the head tells. */
  readonly isPersistent: boolean
  /** How long the upstream says that it keeps an idle connection (Keep-Alive: timeout); null: it doesn't say. */
  readonly keepAliveMs: number | null
}

/** A head holds no control bytes but HTAB, and no CR or LF but at the end of a line (RFC 9112, 2.2; RFC 9110, 5.5). */
export const forbiddenInHead = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n/
const statusLine = /^HTTP\/1\.[01] [1-5][0-9]{2}(?: .*)?$/
const digits = /^[0-9]+$/
const invalid = -1
const zero = 48
const space = 32
const tab = 9

/**
 * Reads a head (latin1): all lines with the CRLF of each, without the empty one. Returns why it may not be passed on
 * where that is so. Interim answers (1xx) are read as strictly, and have no framing.
 */
export function parseHead (text: string, isHead: boolean, known: HeaderNames): AnswerHead | string {
  if (forbiddenInHead.test(text)) return 'a control character in the head'
  const statusEnd = text.indexOf('\r\n')
  if (!statusLine.test(text.slice(0, statusEnd))) return 'an invalid status line'
  const status = Number(text.slice(9, 12))
  const minorVersion = text.charCodeAt(7) === zero ? 0 : 1

  const headers: string[] = []
  const names: string[] = []
  let length: string | null = null
  let coding: string | null = null
  let connection: string | null = null
  let proxyConnection: string | null = null
  let keepAlive: string | null = null
  let seen = 0
  let lines = 0
  for (let at = statusEnd + 2; at < text.length;) {
    const lineEnd = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    const name = colon === -1 || colon > lineEnd ? null : known.get(text.slice(at, colon))
    if (name === null) return 'an invalid header line'
    if (++lines > headerLinesMax) return `more than ${headerLinesMax} header lines`
    const value = trimmedSlice(text, colon + 1, lineEnd)
    at = lineEnd + 2
    if (name.kind === 'passed' || name.kind === 'one') {
      if ((seen & name.bit) !== 0) continue
      seen |= name.bit
      headers.push(name.sent, value)
      names.push(name.lowerCase)
    } else if (name.kind === 'content-length') {
      if (length !== null) return 'more than one Content-Length'
      length = value
    } else if (name.kind === 'transfer-encoding') {
      if (coding !== null) return 'a Transfer-Encoding other than chunked'
      coding = value
    } else if (name.kind === 'connection') {
      connection = connection === null ? value : `${connection},${value}`
    } else if (name.kind === 'proxy-connection') {
      proxyConnection = proxyConnection === null ? value : `${proxyConnection},${value}`
    } else if (name.kind === 'keep-alive') {
      keepAlive ??= value
    }
  }

  if (coding !== null) {
    if (minorVersion === 0) return 'HTTP/1.0 with a Transfer-Encoding'
    if (coding.toLowerCase() !== 'chunked') return 'a Transfer-Encoding other than chunked'
    if (length !== null) return 'Transfer-Encoding beside Content-Length'
  }
  const bodyBytes = length === null ? null : lengthOf(length)
  if (bodyBytes === invalid) return 'an invalid Content-Length'
  dropNominated(headers, names, connection)
  const framing = isHead || hasNoBody(status) ? 'none' : coding !== null ? 'chunked' : bodyBytes === null ? 'close' : 'length'
  return {
    status,
    minorVersion,
    headers,
    names,
    contentLength: status === 204 ? null : status === 205 ? 0 : bodyBytes,
    framing,
    isPersistent: framing !== 'close' && isPersistent(minorVersion, connection, proxyConnection) && !mayHaveStrayBody(status, bodyBytes, coding),
    keepAliveMs: keepAlive === null ? null : announcedMs(keepAlive),
  }
}

/** The value between these, without the blanks around it (RFC 9112, 5.1). trimEnd() would also take a Latin-1 `\xa0`. */
function trimmedSlice (text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (from < to && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank (code: number): boolean {
  return code === space || code === tab
}

function dropNominated (headers: string[], names: string[], connection: string | null): void {
  const nominated = connection === null ? null : nominatedHeaders(connection)
  if (nominated === null) return
  let kept = 0
  for (let i = 0; i < names.length; i++) {
    if (nominated.has(names[i]!)) continue
    headers[2 * kept] = headers[2 * i]!
    headers[2 * kept + 1] = headers[2 * i + 1]!
    names[kept++] = names[i]!
  }
  headers.length = 2 * kept
  names.length = kept
}

function lengthOf (value: string): number {
  const length = digits.test(value) ? Number(value) : invalid
  return length <= Number.MAX_SAFE_INTEGER ? length : invalid
}

/** Some send a body although there is none, and say so: it would be read as the next answer. */
function mayHaveStrayBody (status: number, bodyBytes: number | null, coding: string | null): boolean {
  if (status === 204) return coding !== null || (bodyBytes !== null && bodyBytes > 0)
  if (status === 205) return bodyBytes !== 0
  return status === 304 && coding !== null
}

/** A `close` ends the connection wherever it stands; HTTP/1.0 goes on only where the upstream says so (RFC 9112, 9.3). */
function isPersistent (minorVersion: 0 | 1, connection: string | null, proxyConnection: string | null): boolean {
  if (connection !== null && hasToken(connection, 'close')) return false
  if (proxyConnection !== null && hasToken(proxyConnection, 'close')) return false
  return minorVersion === 1 || (connection !== null && hasToken(connection, 'keep-alive'))
}

function hasToken (list: string, token: string): boolean {
  if (list === token) return true
  return list.toLowerCase().split(',').some(element => element.trim() === token)
}

function announcedMs (keepAlive: string): number | null {
  const match = /(?:^|[\s,;])timeout=([0-9]{1,9})/i.exec(keepAlive)
  return match === null ? null : Number(match[1]) * 1_000
}
