import type { IncomingHttpHeaders } from 'node:http'
import type { KeysConfig } from '../config/config.ts'
import { looksLikeBranded } from '../keys/format.ts'

/** Where a request's key came from, and so what the upstream must not see. */
export interface Credential {
  /** Null: none was sent. */
  readonly key: string | null
  /** Authorization held the key, or the same key again. */
  readonly isInAuthorization: boolean
  /** Two different keys were sent. */
  readonly isAmbiguous: boolean
}

const none: Credential = { key: null, isInAuthorization: false, isAmbiguous: false }
const ambiguous: Credential = { key: null, isInAuthorization: true, isAmbiguous: true }

/**
 * Reads the key of a request from the key header or `Authorization: Bearer`. Beside a key header, a bearer counts
 * only when it has our brand's shape; any other is the upstream's business.
 */
export function readCredential (headers: IncomingHttpHeaders, config: KeysConfig): Credential {
  const header = headers[config.header]
  const bearer = bearerOf(headers.authorization)
  if (typeof header !== 'string' || header === '') {
    return bearer === null ? none : { key: bearer, isInAuthorization: true, isAmbiguous: false }
  }
  if (bearer === null || !looksLikeBranded(bearer, config.brand)) return { key: header, isInAuthorization: false, isAmbiguous: false }
  return bearer === header ? { key: header, isInAuthorization: true, isAmbiguous: false } : ambiguous
}

function bearerOf (authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length < 8) return null
  if (authorization.slice(0, 7).toLowerCase() !== 'bearer ') return null
  const token = authorization.slice(7).trim()
  return token === '' ? null : token
}
