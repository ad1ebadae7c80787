import fc from 'fast-check'
import t from 'tap'
import { checksumOf, generateKey, holdsBranded, keyPrefixOf, looksLikeBranded, parseKey } from '../../src/keys/format.ts'
import { base62Text, label, labels, madeKeys, mutated } from './arbitrary-keys.ts'
import { brandedEnvironment, isLabel, modelChecksum, modelParse } from './models/key-format.ts'
import { holds } from './property.ts'

const checksums = fc.constantFrom<'required' | 'optional'>('required', 'optional')
/** With the right checksum, but for more or fewer digits, or labels of another form or length. */
const nearKeys = fc.tuple(fc.oneof(label(16), fc.constantFrom('', 'sk', 'SK', 's k')), fc.oneof(label(16), fc.constantFrom('', 'live', 'Live')), base62Text(10, 60)).map(parts => {
  const body = parts.join('_')
  return body + modelChecksum(body)
})
const texts = fc.oneof(
  { weight: 4, arbitrary: mutated(madeKeys.map(({ key }) => key)) },
  { weight: 2, arbitrary: nearKeys },
  { weight: 1, arbitrary: madeKeys.map(({ key }) => key) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 90 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 14, maxLength: 74 }) }
)

holds(t, 'the checksum is what CRC-32, bit by bit, and long division by 62 make', 8_000, fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), madeKeys.map(({ key }) => key)), text => {
  return checksumOf(text) === modelChecksum(text)
}))

holds(t, 'a text is a key exactly when the model takes it for one', 16_000, fc.property(texts, fc.option(labels), checksums, (text, other, checksum) => {
  const brand = other?.[0] ?? text.split('_')[0]!
  if (!isLabel(brand)) return
  const expected = modelParse(text, brand, checksum)
  const parsed = parseKey(text, { brand, checksum })
  if (JSON.stringify(parsed) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(parsed)} instead of ${JSON.stringify(expected)}`)
}))

holds(t, 'every key made is a key, of its brand and environment alone', 6_000, fc.property(madeKeys, labels, checksums, ({ key, brand, environment }, [otherBrand = ''], checksum) => {
  const isParsed = parseKey(key, { brand, checksum })?.environment === environment
  const isNoOther = otherBrand === brand || (parseKey(key, { brand: otherBrand, checksum })?.environment ?? null) === null
  return isParsed && isNoOther && keyPrefixOf(key) === `${brand}_${environment}_${key.split('_')[2]!.slice(0, 4)}`
}))

holds(t, 'no key survives one wrong character or two exchanged ones', 8_000, fc.property(madeKeys, fc.nat(), fc.integer({ min: 0, max: 255 }), ({ key, brand }, at, octet) => {
  const place = at % key.length
  const wrong = key.slice(0, place) + String.fromCharCode(octet) + key.slice(place + 1)
  const exchanged = key.slice(0, place) + key.charAt(place + 1) + key.charAt(place) + key.slice(place + 2)
  return [wrong, exchanged].every(text => text === key || parseKey(text, { brand, checksum: 'required' }) === null)
}))

holds(t, 'generated keys are keys to the model, or there is none', 4_000, fc.property(fc.oneof(labels, fc.tuple(fc.string({ maxLength: 12 }), label(12)), fc.tuple(label(12), fc.string({ maxLength: 12 }))), ([brand = '', environment = '']) => {
  const isMade = isLabel(brand) && isLabel(environment) && brand.length + environment.length <= 14
  try {
    return modelParse(generateKey({ brand, environment }), brand, 'required')?.environment === environment && isMade
  } catch (err) {
    return err instanceof RangeError && !isMade
  }
}))

holds(t, 'a prefix begins the key and never shows more than half of it', 6_000, fc.property(texts, text => {
  const prefix = keyPrefixOf(text)
  return text.startsWith(prefix) && prefix.length <= text.length / 2
}))

holds(t, 'what begins like a key of the brand is meant as one', 6_000, fc.property(texts, fc.option(labels), (text, other) => {
  const brand = other?.[0] ?? text.split('_')[0]!
  return !isLabel(brand) || looksLikeBranded(text, brand) === (brandedEnvironment(text, brand) !== null)
}))

const separators = fc.constantFrom('', ' ', '"', "'", ',', ';', '=', ':', '/', '.', '\t', '<', '(', 'Bearer ', 'key=', 'Token token="')
const words = fc.constantFrom('', 'Bearer', 'Basic', 'dXNlcjpw', 'a_b', 'sk_', '__')

holds(t, 'a key is seen between whatever surrounds it', 6_000, fc.property(madeKeys, words, separators, separators, words, ({ key, brand }, before, opening, closing, after) => {
  const isApart = before === '' || /[^\w]$/.test(before + opening)
  return !isApart || /\w$/.test(opening) || holdsBranded(`${before}${opening}${key}${closing}${after}`, brand)
}))
