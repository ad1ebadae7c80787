import { isConnectionHeader, nominatedHeaders } from './header-names.ts'

/** As undici gives them: lower-case names, several lines of a name as a list. */
export type AnswerHeaders = Record<string, string | string[] | undefined>

/** Widely used clients take no more than a hundred, or a few. undici bounds their bytes only (upstream.ts). */
export const headerLinesMax = 512

/** Of which a message has one (RFC 9110, 5.3). Recipients differ in which they believe, so only the first is passed on. */
export const singletons: ReadonlySet<string> = new Set([
  'age', 'content-location', 'content-range', 'content-type', 'date', 'etag', 'expires', 'last-modified', 'location',
  'retry-after', 'server',
])

/** Why an answer may not be passed on, although undici could read it; null where it may. */
export function faultOfAnswer (statusCode: number, headers: AnswerHeaders): string | null {
  if (statusCode < 200 || statusCode > 599) return `status ${statusCode}`
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding !== undefined) {
    // Of any other, a tab behind it included, undici takes the coded bytes for the body itself.
    if (typeof coding !== 'string' || !/^chunked *$/i.test(coding)) return 'a Transfer-Encoding other than chunked'
    if (length !== undefined) return 'Transfer-Encoding beside Content-Length'
  }
  if (length !== undefined && !isLength(length)) return 'an invalid Content-Length'
  return countLines(headers) > headerLinesMax ? `more than ${headerLinesMax} header lines` : null
}

/** The upstream's headers without those of its connection; its `Connection` list can't remove what the gateway adds. */
export function passedOnHeaders (headers: AnswerHeaders, added: Readonly<Record<string, string>>): AnswerHeaders {
  const { connection } = headers
  const nominated = nominatedHeaders(Array.isArray(connection) ? connection.join(',') : connection)
  const kept: AnswerHeaders = {}
  for (const name in headers) {
    if (isConnectionHeader(name) || name === '__proto__' || (nominated !== null && nominated.has(name))) continue
    const value = headers[name]!
    if (typeof value === 'string') kept[name] = trimmed(value)
    else kept[name] = singletons.has(name) ? trimmed(value[0]!) : value.map(trimmed)
  }
  return Object.assign(kept, added)
}

/** True for statuses whose answers have no body: that of a 205 would be read by some clients only (RFC 9110, 15.3.6). */
export function hasNoBody (statusCode: number): boolean {
  return statusCode === 204 || statusCode === 205 || statusCode === 304
}

/** True for a Content-Type of server-sent events, which have no end of their own. */
export function isEventStream (contentType: string): boolean {
  return /^text\/event-stream(?![^ \t;])/i.test(contentType)
}

function isLength (value: string | string[]): boolean {
  return typeof value === 'string' && /^[0-9]+[ \t]*$/.test(value) && Number(value) <= Number.MAX_SAFE_INTEGER
}

function countLines (headers: AnswerHeaders): number {
  let lines = 0
  for (const name in headers) {
    const value = headers[name]
    lines += Array.isArray(value) ? value.length : 1
  }
  return lines
}

/** undici leaves the blanks behind a value in it. trimEnd() would also take the last byte of `à`, a space in Latin-1. */
function trimmed (value: string): string {
  let end = value.length
  while (end > 0 && (value.charCodeAt(end - 1) === 32 || value.charCodeAt(end - 1) === 9)) end--
  return end === value.length ? value : value.slice(0, end)
}
