import { hasNoBody, headerLinesMax } from '../answer.ts'
import { headerLine, listedHeaders } from '../header-lines.ts'
import { nominatedHeaders } from '../header-names.ts'
import { dateBit, type HeaderNames } from './header-names.ts'

/** How the end of a body is found (RFC 9112, 6.3); `none`: there is no body. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** The head of an answer, with what is passed on of it. */
export interface AnswerHead {
  /** 200 to 599 where a handler sees it. */
  readonly status: number
  readonly minorVersion: 0 | 1
  /**
   * Header lines (see header-lines.ts) in their order, names as sent, values trimmed (latin1). Without those of the
   * connection and those that it nominates, without what frames the message and what the gateway itself says, and
   * singletons once.
   */
  readonly lines: string
  /** Whether a Date is among them. */
  readonly hasDate: boolean
  /** The Content-Length to pass on; null: none. With `framing: 'none'` that of the body left out (HEAD, 304). */
  readonly contentLength: number | null
  readonly framing: Framing
  /** Whether the connection outlives the answer, as far as the head tells. */
  readonly isPersistent: boolean
  /** How long the upstream says that it keeps an idle connection (Keep-Alive: timeout); null: it doesn't say. */
  readonly keepAliveMs: number | null
}

/** The reason isn't passed on: anything may stand there but what others could take for the line's end (RFC 9112, 4). */
export const statusLine = /^HTTP\/1\.[01] [1-5][0-9]{2}(?: [^\r\n]*)?\r\n$/
const usualStatusLine = 'HTTP/1.1 200 OK\r\n'
/** Of blanks that some readers don't take for such, none may stand behind the coding. */
const chunkedLine = /^[^:]+:[ \t]*chunked *\r\n$/i
const invalid = -1
const zero = 48
const nine = 57

/**
 * Reads a head (latin1): all lines with the CRLF of each, without the empty one. Returns why it may not be passed on
 * where that is so. Interim answers (1xx) are read as strictly, and have no framing.
 */
export function parseHead (text: string, isHead: boolean, known: HeaderNames): AnswerHead | string {
  let at = usualStatusLine.length
  let status = 200
  let minorVersion: 0 | 1 = 1
  if (text.slice(0, at) !== usualStatusLine) {
    at = text.indexOf('\r\n') + 2
    if (!statusLine.test(text.slice(0, at))) return 'an invalid status line'
    status = Number(text.slice(9, 12))
    minorVersion = text.charCodeAt(7) === zero ? 0 : 1
  }

  let lines = ''
  let length: string | null = null
  let coding: string | null = null
  let connection: string | null = null
  let proxyConnection: string | null = null
  let keepAlive: string | null = null
  let seen = 0
  for (let count = 0; at < text.length; count++) {
    if (count === headerLinesMax) return `more than ${headerLinesMax} header lines`
    const line = known.lineAt(text, at, count)
    if (line === null) return 'an invalid header line'
    const { name, value } = line
    at += line.text.length
    if (name.kind === 'passed' || name.kind === 'one') {
      if ((seen & name.bit) !== 0) continue
      seen |= name.bit
      lines += line.passed
    } else if (name.kind === 'content-length') {
      if (length !== null) return 'more than one Content-Length'
      length = value
    } else if (name.kind === 'transfer-encoding') {
      if (coding !== null || !chunkedLine.test(line.text)) return 'a Transfer-Encoding other than chunked'
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
    if (length !== null) return 'Transfer-Encoding beside Content-Length'
  }
  const bodyBytes = length === null ? null : lengthOf(length)
  if (bodyBytes === invalid) return 'an invalid Content-Length'
  const nominated = connection === null || connection === 'keep-alive' ? null : nominatedHeaders(connection)
  const framing = isHead || hasNoBody(status) ? 'none' : coding !== null ? 'chunked' : bodyBytes === null ? 'close' : 'length'
  return {
    status,
    minorVersion,
    lines: nominated === null ? lines : linesWithout(lines, nominated),
    hasDate: (seen & dateBit) !== 0 && nominated?.has('date') !== true,
    contentLength: status === 204 ? null : status === 205 ? 0 : bodyBytes,
    framing,
    isPersistent: framing !== 'close' && isPersistent(minorVersion, connection, proxyConnection) && !(framing === 'none' && mayHaveStrayBody(isHead, status, bodyBytes, coding)),
    keepAliveMs: keepAlive === null ? null : announcedMs(keepAlive),
  }
}

function linesWithout (lines: string, names: ReadonlySet<string>): string {
  const headers = listedHeaders(lines)
  let kept = ''
  for (let i = 0; i < headers.length; i += 2) {
    if (!names.has(headers[i]!.toLowerCase())) kept += headerLine(headers[i]!, headers[i + 1]!)
  }
  return kept
}

function lengthOf (value: string): number {
  let length = value === '' ? invalid : 0
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    length = length * 10 + code - zero
    if (code < zero || code > nine || length > Number.MAX_SAFE_INTEGER) return invalid
  }
  return length
}

/** Some send a body where there is none. Read as the next answer, it would go to another client. */
function mayHaveStrayBody (isHead: boolean, status: number, bodyBytes: number | null, coding: string | null): boolean {
  if (coding !== null || isHead) return true
  if (status === 205) return bodyBytes !== 0
  return hasNoBody(status) && bodyBytes !== null && bodyBytes > 0
}

/** A `close` ends the connection wherever it stands; HTTP/1.0 goes on only where the upstream says so (RFC 9112, 9.3). */
function isPersistent (minorVersion: 0 | 1, connection: string | null, proxyConnection: string | null): boolean {
  if (connection === 'keep-alive' && proxyConnection === null) return true
  if (connection !== null && hasToken(connection, 'close')) return false
  if (proxyConnection !== null && hasToken(proxyConnection, 'close')) return false
  return minorVersion === 1 || (connection !== null && hasToken(connection, 'keep-alive'))
}

function hasToken (list: string, token: string): boolean {
  return list.toLowerCase().split(',').some(element => element.trim() === token)
}

function announcedMs (keepAlive: string): number | null {
  const match = /(?:^|[\s,;])timeout=([0-9]{1,9})/i.exec(keepAlive)
  return match === null ? null : Number(match[1]) * 1_000
}
