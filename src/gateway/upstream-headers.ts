import type { IncomingMessage } from 'node:http'
import type { KeyRecord } from '../keys/verifier.ts'
import { isHeldScope } from '../routes/scopes.ts'
import { isConnectionHeader, nominatedHeaders } from '../upstreams/header-names.ts'
import type { Identity } from './identity.ts'
import { isTraceparent, newTraceparent } from './request-id.ts'

export interface HeaderPolicy {
  /** Lower case; never passed on. */
  readonly keyHeader: string
  readonly dropsAuthorization: boolean
  readonly hasBody: boolean
}

const oddCharacter = /[^a-z0-9-]/
const oddCharacters = /[^a-z0-9-]/g

/**
 * The headers for the upstream, built anew: the client's without the key, without what it may not say and without
 * what belongs to its connection, and then what the gateway vouches for. Added last, so no `Connection` list can
 * take it away. Names are compared as CGI-like upstreams read them, which take whatever is no letter or digit for the
 * same character.
 */
export function upstreamHeaders (raw: IncomingMessage, identity: Identity, policy: HeaderPolicy): string[] {
  const { rawHeaders, headers } = raw
  const nominated = nominatedHeaders(headers.connection)
  const keepsTrace = isTraceparent(headers.traceparent)
  const keyHeader = cgiName(policy.keyHeader)
  const { client } = identity
  const sent: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const lowerCase = rawHeaders[i]!.toLowerCase()
    const name = cgiName(lowerCase)
    if (isConnectionHeader(name) || name === keyHeader) continue
    if (isGatewaysOwn(name) && !(client.isForwarded && isProxys(lowerCase))) continue
    if (nominated !== null && nominated.has(lowerCase) && lowerCase !== 'content-length') continue
    if (name === 'content-length') {
      // Written anew: leading zeros are octal to some.
      if (policy.hasBody && lowerCase === name) sent.push(name, String(Number(rawHeaders[i + 1])))
      continue
    }
    if (name === 'authorization' && policy.dropsAuthorization) continue
    if (name === 'tracestate' && !keepsTrace) continue
    sent.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  if (identity.key !== null && identity.isVouchedFor) addKey(sent, identity.key)
  sent.push(
    'x-request-id', identity.requestId,
    'x-forwarded-for', client.forwardedFor,
    'x-forwarded-proto', client.scheme,
    'traceparent', keepsTrace ? headers.traceparent as string : newTraceparent()
  )
  const host = client.forwardedHost ?? headers.host
  if (host !== undefined) sent.push('x-forwarded-host', host)
  return sent
}

function cgiName (lowerCase: string): string {
  return oddCharacter.test(lowerCase) ? lowerCase.replace(oddCharacters, '-') : lowerCase
}

/** Headers that only the gateway, or the connection to the upstream, may write. */
function isGatewaysOwn (name: string): boolean {
  switch (name) {
    case 'host':
    case 'expect':
    case 'forwarded':
    case 'x-real-ip':
    case 'x-request-id':
    case 'traceparent':
      return true
    default:
      return name.startsWith('x-latchkey-') || name.startsWith('x-forwarded-')
  }
}

/** Of those, what passes as it is from a trusted proxy. */
function isProxys (lowerCase: string): boolean {
  switch (lowerCase) {
    case 'x-forwarded-for':
    case 'x-forwarded-proto':
    case 'x-forwarded-host':
      return false
    case 'forwarded':
    case 'x-real-ip':
      return true
    default:
      return lowerCase.startsWith('x-forwarded-') && !oddCharacter.test(lowerCase)
  }
}

function addKey (sent: string[], key: KeyRecord): void {
  sent.push('x-latchkey-key-id', String(key.id), 'x-latchkey-user-id', key.userId)
  // Rows written by others may hold anything, line breaks included: only what can grant something is passed on.
  sent.push('x-latchkey-scopes', key.scopes.filter(isHeldScope).join(' '))
}
