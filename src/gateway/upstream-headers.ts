import type { KeyRecord } from '../keys/verifier.ts'
import { isHeldScope } from '../routes/scopes.ts'
import { headerLine } from '../upstreams/header-lines.ts'
import { isConnectionHeader, nominatedHeaders } from '../upstreams/header-names.ts'
import type { ClientRequest } from './client-request.ts'
import type { Identity } from './identity.ts'
import { isTraceparent } from './request-id.ts'
import { TraceIds } from './trace-ids.ts'

export interface HeaderPolicy {
  readonly dropsAuthorization: boolean
  readonly hasBody: boolean
}

type HeaderKind = 'passed' | 'dropped' | 'gateways' | 'proxys' | 'content-length' | 'authorization' | 'tracestate'

interface HeaderName {
  readonly lowerCase: string
  readonly kind: HeaderKind
}

const oddCharacter = /[^a-z0-9-]/
const oddCharacters = /[^a-z0-9-]/g
/** Control bytes, and what isn't Latin-1: written as such, `\u010a` becomes a line feed. */
const notForHeaders = /[^\t\x20-\x7e\x80-\xff]/
/** Spellings of header names that are kept with what was found out about them. Clients use a few dozen. */
const namesMax = 1_024
const nameCharactersMax = 64

/**
 * The headers for the upstream, built anew: the client's without the key, without what it may not say and without
 * what belongs to its connection, and then what the gateway vouches for. Added last, so no `Connection` list can
 * take it away. Names are compared as CGI-like upstreams read them, which take whatever is no letter or digit for the
 * same character.
 */
export class UpstreamHeaders {
  readonly #keyHeader: string
  readonly #names = new Map<string, HeaderName>()
  readonly #linesByKey = new WeakMap<KeyRecord, string>()
  readonly #traceIds = new TraceIds()

  /** `keyHeader` is in lower case; it is never passed on. */
  constructor (keyHeader: string) {
    this.#keyHeader = cgiName(keyHeader)
  }

  /** Header lines (see upstreams/header-lines.ts) for a request whose identity is known. */
  linesOf ({ rawHeaders, headers }: Pick<ClientRequest, 'rawHeaders' | 'headers'>, { key, isVouchedFor, client, requestId }: Pick<Identity, 'key' | 'isVouchedFor' | 'client' | 'requestId'>, { dropsAuthorization, hasBody }: HeaderPolicy): string {
    const nominated = nominatedHeaders(headers.connection)
    const keepsTrace = isTraceparent(headers.traceparent)
    let lines = ''
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const { lowerCase, kind } = this.#nameOf(rawHeaders[i]!)
      if (kind === 'dropped') continue
      if ((kind === 'gateways' || kind === 'proxys') && !(kind === 'proxys' && client.isForwarded)) continue
      if (nominated !== null && nominated.has(lowerCase) && lowerCase !== 'content-length') continue
      if (kind === 'content-length') {
        // Written anew: leading zeros are octal to some.
        if (hasBody) lines += headerLine(lowerCase, String(Number(rawHeaders[i + 1])))
        continue
      }
      if (kind === 'authorization' && dropsAuthorization) continue
      if (kind === 'tracestate' && !keepsTrace) continue
      lines += headerLine(rawHeaders[i]!, rawHeaders[i + 1]!)
    }
    if (key !== null && isVouchedFor) lines += this.#linesOf(key)
    const trace = keepsTrace ? headers.traceparent as string : this.#traceIds.newTraceparent()
    lines += `x-request-id: ${requestId}\r\n${client.forwardedLines}traceparent: ${trace}\r\n`
    const host = client.forwardedHost ?? headers.host
    return host === undefined ? lines : lines + headerLine('x-forwarded-host', host)
  }

  /** Who sends a request. */
  #linesOf (key: KeyRecord): string {
    let lines = this.#linesByKey.get(key)
    if (lines === undefined) this.#linesByKey.set(key, lines = keyLines(key))
    return lines
  }

  #nameOf (sent: string): HeaderName {
    const known = this.#names.get(sent)
    if (known !== undefined) return known
    const lowerCase = sent.toLowerCase()
    const name = { lowerCase, kind: kindOf(lowerCase, this.#keyHeader) }
    if (this.#names.size < namesMax && sent.length <= nameCharactersMax) this.#names.set(sent, name)
    return name
  }
}

function kindOf (lowerCase: string, keyHeader: string): HeaderKind {
  const name = cgiName(lowerCase)
  if (isConnectionHeader(name) || name === keyHeader) return 'dropped'
  switch (name) {
    case 'content-length': return lowerCase === name ? 'content-length' : 'dropped'
    case 'authorization':
    case 'tracestate':
      return name
    // Headers that only the gateway, or the connection to the upstream, may write.
    case 'host':
    case 'expect':
    case 'x-request-id':
    case 'traceparent':
      return 'gateways'
    case 'forwarded':
    case 'x-real-ip':
      return lowerCase === name ? 'proxys' : 'gateways'
  }
  if (name.startsWith('x-latchkey-')) return 'gateways'
  if (name.startsWith('x-forwarded-')) return isProxys(lowerCase) ? 'proxys' : 'gateways'
  return 'passed'
}

function cgiName (lowerCase: string): string {
  return oddCharacter.test(lowerCase) ? lowerCase.replace(oddCharacters, '-') : lowerCase
}

/** Of X-Forwarded-*, what passes as it is from a trusted proxy. */
function isProxys (lowerCase: string): boolean {
  switch (lowerCase) {
    case 'x-forwarded-for':
    case 'x-forwarded-proto':
    case 'x-forwarded-host':
      return false
    default:
      return lowerCase.startsWith('x-forwarded-') && !oddCharacter.test(lowerCase)
  }
}

function keyLines (key: KeyRecord): string {
  // Rows written by others may hold anything, line breaks included: only what can grant something is passed on.
  const scopes = key.scopes.filter(isHeldScope).join(' ')
  if (notForHeaders.test(key.userId)) throw new Error(`the user id of key ${key.id} can't stand in a header`)
  return headerLine('x-latchkey-key-id', String(key.id)) + headerLine('x-latchkey-user-id', key.userId) + headerLine('x-latchkey-scopes', scopes)
}
