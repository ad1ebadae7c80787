import fc from 'fast-check'
import t from 'tap'
import { keyPrefixOf, redactKeys } from '../../src/keys/format.ts'
import { RowCleaner } from '../../src/usage/row.ts'
import { base62Text, madeKeys } from './arbitrary-keys.ts'
import { holds } from './property.ts'

/** Of a secret, so many characters in a row count as found. */
const window = 7

const surroundings = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', '/', '/files/', '?key=', '&', ' ', '_', '__', '-', '.', '%', '%2', '%5f', '%25', '%e9', 'é', 'a', 'A', '0', 'a_', 'a_b_', 'sk_live_', 'x-y', '\n') },
  { weight: 1, arbitrary: fc.string({ maxLength: 10 }) },
  { weight: 1, arbitrary: base62Text(0, 40) },
  { weight: 1, arbitrary: base62Text(20, 40).map(text => `a_b_${text}`) }
)

/** How often each character is percent-encoded: not at all, once, twice. */
const spellings = fc.oneof(fc.constant([0]), fc.constant([1]), fc.constant([2]), fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: 5, maxLength: 30 }))

const placedKeys = fc.array(fc.tuple(surroundings, madeKeys, spellings), { minLength: 1, maxLength: 3 })

holds(t, 'nothing of a secret is left, wherever its key stands and however it is spelt', 10_000, fc.property(placedKeys, surroundings, (placed, end) => {
  const text = textOf(placed) + end
  const redacted = redactKeys(text)
  for (const [, { key }] of placed) {
    const found = partIn(redacted, key.slice(keyPrefixOf(key).length))
    if (found !== null) throw new Error(`${found} of ${key} is left in ${redacted}`)
  }
}))

const cleaner = new RowCleaner(redactKeys)

holds(t, 'nor in a usage row, which is cut to length', 4_000, fc.property(placedKeys, fc.nat(260), (placed, padding) => {
  const text = '/'.padEnd(padding, 'x/') + textOf(placed)
  const { endpoint, userAgent, requestId } = cleaner.clean({
    keyId: 1, route: 'r', endpoint: text, method: 'GET', statusCode: 200, ipAddress: null, userAgent: text, requestBytes: 0, responseBytes: 0, responseTimeMs: 1, createdAtMs: 0, requestId: text,
  })
  const isCut = endpoint.length <= 255 && userAgent!.length <= 512 && requestId.length <= 128
  return isCut && placed.every(([, { key }]) => [endpoint, userAgent!, requestId].every(field => partIn(field, key.slice(keyPrefixOf(key).length)) === null))
}))

holds(t, 'redacted once, a text stays as it is', 3_000, fc.property(placedKeys, placed => {
  const redacted = redactKeys(textOf(placed))
  return redactKeys(redacted) === redacted
}))

holds(t, 'a text without a key stays as it is', 5_000, fc.property(fc.array(fc.oneof(fc.constantFrom('/', '_', '%5f', '%20', '%', 'inventory', 'get_user_by_name', '-'), base62Text(0, 15).map(text => `/${text}/`), fc.string())), parts => {
  const text = parts.join('').replace(/[0-9A-Za-z]{20,}/g, '')
  return /[0-9A-Za-z%]{20,}/.test(text) || redactKeys(text) === text
}))

function textOf (placed: readonly (readonly [string, { readonly key: string }, readonly number[]])[]): string {
  return placed.map(([before, { key }, levels]) => before + [...key].map((char, index) => encoded(char, levels[index % levels.length]!)).join('')).join('')
}

function encoded (char: string, level: number): string {
  if (level === 0) return char
  return `${level === 1 ? '%' : '%25'}${char.charCodeAt(0).toString(16)}`
}

/** What of the secret the text holds, percent-encoded or not. */
function partIn (text: string, secret: string): string | null {
  const decoded = [text, decode(text), decode(decode(text))]
  for (let start = 0; start + window <= secret.length; start++) {
    const part = secret.slice(start, start + window)
    if (decoded.some(reading => reading.includes(part))) return part
  }
  return null
}

function decode (text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, octet: string) => String.fromCharCode(parseInt(octet, 16)))
}
