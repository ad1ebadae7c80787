import type { IncomingHttpHeaders } from 'node:http'
import type { KeysConfig } from '../config/config.ts'
import { looksLikeBranded } from '../keys/format.ts'

/** Where a request's key came from, and so what the upstream must not see. */
export interface Credential {
  /** Null: none was sent, or two different ones. */
  readonly key: string | null
  readonly isAmbiguous: boolean
  /** Authorization held the key, or the same key again. */
  readonly isInAuthorization: boolean
  /** Authorization held something in the shape of our keys. */
  readonly isBearerBranded: boolean
}

const none: Credential = { key: null, isAmbiguous: false, isInAuthorization: false, isBearerBranded: false }
const ambiguous: Credential = { key: null, isAmbiguous: true, isInAuthorization: true, isBearerBranded: true }

/**
 * Reads the key of a request from the key header or `Authorization: Bearer`. Beside a key header, a bearer counts
 * only when it has our brand's shape; any other is the upstream's business.
 */
export function readCredential (headers: IncomingHttpHeaders, { header, brand }: KeysConfig): Credential {
  const key = headers[header]
  const bearer = bearerOf(headers.authorization)
  const isBearerBranded = bearer !== null && looksLikeBranded(bearer, brand)
  if (typeof key !== 'string' || key === '') {
    return bearer === null ? none : { key: bearer, isAmbiguous: false, isInAuthorization: true, isBearerBranded }
  }
  if (!isBearerBranded) return { key, isAmbiguous: false, isInAuthorization: false, isBearerBranded }
  return bearer === key ? { key, isAmbiguous: false, isInAuthorization: true, isBearerBranded } : ambiguous
}

function bearerOf (authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length < 8) return null
  if (authorization.slice(0, 6).toLowerCase() !== 'bearer' || !' \t'.includes(authorization.charAt(6))) return null
  const token = authorization.slice(7).trim()
  return token === '' ? null : token
}
