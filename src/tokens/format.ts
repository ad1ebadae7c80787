import { createHash } from 'node:crypto'
import { checksumOf, hasChecksum, randomBase62 } from '../config/base62.ts'

/** What every token of the admin API begins with. */
export const tokenBrand = 'latchkey_admin_'

const randomLength = 32
const shownLength = 4
const prefixLength = tokenBrand.length + shownLength
const ownToken = /^latchkey_admin_[0-9A-Za-z]{38}$/

/** A new token: 190 random bits and a checksum, in the shape of a key, so that whatever redacts keys redacts it. */
export function generateToken (): string {
  const body = tokenBrand + randomBase62(randomLength)
  return body + checksumOf(body)
}

/** Whether a text can be a token at all: junk is told here, before it costs a query. */
export function isToken (text: string): boolean {
  return ownToken.test(text) && hasChecksum(text)
}

/** What may be shown and stored of a token: its first characters, of which four are random. */
export function tokenPrefixOf (token: string): string {
  return token.slice(0, prefixLength)
}

/** What is stored in place of a token. Guessing 190 random bits is no easier for a hash being fast. */
export function tokenHashOf (token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
