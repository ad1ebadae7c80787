import type { IncomingHttpHeaders } from 'node:http'
import type { KeysConfig } from '../config/config.ts'
import { holdsBranded, looksLikeBranded } from '../keys/format.ts'

/** Where a request's key came from, and so what the upstream must not see. */
export interface Credential {
  /** Null: none was sent, or two different ones. */
  readonly key: string | null
  readonly isAmbiguous: boolean
  /** Authorization held the key, the same key again, or what `isAuthorizationBranded` says. */
  readonly isInAuthorization: boolean
  /** Authorization holds something in the shape of our keys, be it where none is accepted. */
  readonly isAuthorizationBranded: boolean
}

const none: Credential = { key: null, isAmbiguous: false, isInAuthorization: false, isAuthorizationBranded: false }
const ambiguous: Credential = { key: null, isAmbiguous: true, isInAuthorization: true, isAuthorizationBranded: true }

/**
 * Reads the key of a request from the key header or `Authorization: Bearer`. Beside a key header, a bearer counts
 * only when it has our brand's shape; any other is the upstream's business.
 */
export function readCredential (headers: IncomingHttpHeaders, { header, brand }: KeysConfig): Credential {
  const key = headers[header]
  const { authorization } = headers
  const bearer = bearerOf(authorization)
  const isBearerBranded = bearer !== null && looksLikeBranded(bearer, brand)
  const isAuthorizationBranded = isBearerBranded || (authorization !== undefined && holdsBranded(authorization, brand))
  if (typeof key !== 'string' || key === '') {
    if (bearer === null && !isAuthorizationBranded) return none
    return { key: bearer, isAmbiguous: false, isInAuthorization: true, isAuthorizationBranded }
  }
  if (isBearerBranded && bearer !== key) return ambiguous
  return { key, isAmbiguous: false, isInAuthorization: isAuthorizationBranded || bearer === key, isAuthorizationBranded }
}

function bearerOf (authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length < 8) return null
  if (authorization.slice(0, 6).toLowerCase() !== 'bearer' || !' \t'.includes(authorization.charAt(6))) return null
  const token = authorization.slice(7).trim()
  return token === '' ? null : token
}
