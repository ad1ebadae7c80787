import fc from 'fast-check'
import { base62, labelCharacters, modelChecksum } from './models/key-format.ts'

export interface MadeKey {
  readonly brand: string
  readonly environment: string
  /** The random part. */
  readonly secret: string
  readonly key: string
}

export const label = (maxLength: number) => fc.string({ unit: fc.constantFrom(...labelCharacters), minLength: 1, maxLength })

/** Brand and environment that fit the stored prefix. */
export const labels = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(['sk', 'live'], ['sk', 'test'], ['s', 'l'], ['abcdefg', '1234567'], ['a', '1234567890abc']) },
  { weight: 2, arbitrary: fc.tuple(label(7), label(7)) }
)

export const base62Text = (minLength: number, maxLength: number) => fc.string({ unit: fc.constantFrom(...base62), minLength, maxLength })

export const madeKeys: fc.Arbitrary<MadeKey> = fc.tuple(labels, base62Text(32, 32)).map(([[brand = '', environment = ''], secret]) => {
  const body = `${brand}_${environment}_${secret}`
  return { brand, environment, secret, key: body + modelChecksum(body) }
})

const oddCharacters = fc.constantFrom('', ' ', '\t', '\n', '\r\n', '\0', '_', '__', '-', '.', '%5f', '!', '~', '\x7f', '\x80', 'é', '０', 'ſ', '\u{1f511}', '\ud800', '0', 'A', 'z')

/** A text with something changed in it: cut, doubled, exchanged, cased or with odd characters put in. */
export function mutated (texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.array(fc.tuple(fc.nat(7), fc.nat(), fc.nat(), oddCharacters), { minLength: 1, maxLength: 3 })).map(([text, changes]) => {
    for (const [kind, one, other, odd] of changes) text = changed(text, kind, one % (text.length + 1), other % (text.length + 1), odd)
    return text
  })
}

function changed (text: string, kind: number, at: number, other: number, odd: string): string {
  const [from, to] = at < other ? [at, other] : [other, at]
  switch (kind) {
    case 0: return text.slice(0, at) + odd + text.slice(at)
    case 1: return text.slice(0, at) + odd + text.slice(at + 1)
    case 2: return text.slice(0, at) + text.slice(at + 1)
    case 3: return text.slice(0, at)
    case 4: return text.slice(0, to) + text.slice(from)
    case 5: return text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2)
    case 6: return text.slice(0, at) + (text.charAt(at) === text.charAt(at).toLowerCase() ? text.charAt(at).toUpperCase() : text.charAt(at).toLowerCase()) + text.slice(at + 1)
    default: return odd + text + odd
  }
}
