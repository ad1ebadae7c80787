import { checksumOf, hasChecksum, randomBase62 } from '../config/base62.ts'

export { checksumOf }

/** bcrypt reads 72 bytes and silently ignores the rest, so a longer key could be told from no other that begins alike. */
export const keyBytesMax = 72

const randomLength = 32
const shownLength = 4
const brandAndEnvironmentMax = 14
const otherSystemsLengthMin = 16

const ownKey = /^([a-z0-9]+)_([a-z0-9]+)_[0-9A-Za-z]{38}$/
const branded = /^([a-z0-9]+)_([a-z0-9]+)_[!-~]/
const printable = /^[!-~]+$/
const label = /^[a-z0-9]+$/
// Looked behind and without the brand: a key may begin with what another's secret, or an escape, ends with.
const secretInText = /(?<=_[a-z0-9]{1,13}_[0-9A-Za-z]{4})[0-9A-Za-z]{16,}/g
/** Once or more than once: `%5f`, `%255f`. */
const encodedKeyCharacter = /%(?:25)*(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])/g
const decodingsMax = 3

export interface KeyFormat {
  readonly brand: string
  /** `optional` also admits any printable ASCII key of 16 to 72 characters, minted by another system. */
  readonly checksum: 'required' | 'optional'
}

export interface ParsedKey {
  /** What the text alone says; null for a key that doesn't carry our brand. */
  readonly environment: string | null
}

/** The key's parts, or null for what can't be a key: junk is told here, before it costs a hash or a query. */
export function parseKey (text: string, { brand, checksum }: KeyFormat): ParsedKey | null {
  if (text.length > keyBytesMax) return null
  const own = ownKey.exec(text)
  if (own !== null && own[1] === brand && isLabelled(brand, own[2]) && hasChecksum(text)) return { environment: own[2] ?? null }
  if (checksum === 'required' || text.length < otherSystemsLengthMin || !printable.test(text)) return null
  // A wrong checksum refuses nothing here: other systems use the same brands, with other lengths or no checksum.
  const other = branded.exec(text)
  return { environment: other !== null && other[1] === brand ? other[2] ?? null : null }
}

/** A new key: 190 random bits and a checksum. Shown to its owner once, never stored. */
export function generateKey ({ brand, environment }: { readonly brand: string, readonly environment: string }): string {
  if (!label.test(brand) || !isLabelled(brand, environment)) {
    throw new RangeError(`brand and environment must be [a-z0-9]+ and have at most ${brandAndEnvironmentMax} characters together`)
  }
  const body = `${brand}_${environment}_${randomBase62(randomLength)}`
  return body + checksumOf(body)
}

/**
 * What may be shown and stored of a key: brand, environment and the next 4 characters. Of a key without that shape,
 * its first 12 characters, and never more than half of it.
 */
export function keyPrefixOf (key: string): string {
  const parts = branded.exec(key)
  if (parts !== null && isLabelled(parts[1], parts[2])) {
    const shown = parts[0].length - 1 + shownLength
    if (shown <= key.length / 2) return key.slice(0, shown)
  }
  return key.slice(0, Math.min(12, Math.floor(key.length / 2)))
}

/**
 * Whether a bearer token is meant as a key. Wider than the exact format on purpose: a mistyped or truncated key is
 * still a credential that no upstream should see.
 */
export function looksLikeBranded (text: string, brand: string): boolean {
  const parts = branded.exec(text)
  return parts !== null && parts[1] === brand
}

/** Whether such a credential is anywhere in the text: quoted, in a list, or without the word that belongs before it. */
export function holdsBranded (text: string, brand: string): boolean {
  return text.includes(`${brand}_`) && text.split(/\W/).some((word) => looksLikeBranded(word, brand))
}

/**
 * The text with the secret part of whatever looks like a key replaced by an ellipsis, percent-encoded spellings
 * included. Redact before cutting a text to length: half a key is not recognised.
 */
export function redactKeys (text: string): string {
  let redacted = text.includes('_') ? text.replace(secretInText, '…') : text
  if (!text.includes('%')) return redacted
  // An escape may itself be made of escapes, `%25%35%66`: hence more than one round, and a bound to them.
  let reading = redacted
  for (let round = 0; round < decodingsMax; round++) {
    const decoded = reading.replace(encodedKeyCharacter, (octet) => String.fromCharCode(parseInt(octet.slice(-2), 16)))
    if (decoded === reading) break
    reading = decoded.replace(secretInText, '…')
    if (reading !== decoded) redacted = reading
  }
  return redacted
}

function isLabelled (brand: string | undefined, environment: string | undefined): boolean {
  return brand !== undefined && environment !== undefined && label.test(environment) &&
    brand.length + environment.length <= brandAndEnvironmentMax
}
