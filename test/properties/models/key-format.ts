/** The key format, slowly and from its description: CRC-32 bit by bit, base 62 in BigInt, characters one at a time. */

const digits = '0123456789'
const upperCase = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const lowerCase = 'abcdefghijklmnopqrstuvwxyz'

export const base62 = [...digits, ...upperCase, ...lowerCase]
export const labelCharacters = [...lowerCase, ...digits]

export function modelChecksum (text: string): string {
  let remainder = 0xffffffffn
  for (const octet of Buffer.from(text)) {
    for (let bit = 0n; bit < 8n; bit++) {
      const isOdd = ((remainder ^ (BigInt(octet) >> bit)) & 1n) === 1n
      remainder = isOdd ? (remainder >> 1n) ^ 0xedb88320n : remainder >> 1n
    }
  }
  remainder ^= 0xffffffffn
  return [5n, 4n, 3n, 2n, 1n, 0n].map(place => base62[Number(remainder / 62n ** place % 62n)]).join('')
}

/** What the gateway must make of a text: null for what is no key, else the environment that it names, null for none. */
export function modelParse (text: string, brand: string, checksum: 'required' | 'optional'): { environment: string | null } | null {
  if (Buffer.byteLength(text) > 72) return null
  const own = ownEnvironment(text, brand)
  if (own !== null) return { environment: own }
  if (checksum === 'required') return null
  const isPrintable = [...text].every(char => char > ' ' && char < '\x7f')
  if (!isPrintable || text.length < 16) return null
  return { environment: brandedEnvironment(text, brand) }
}

function ownEnvironment (text: string, brand: string): string | null {
  const [first, environment, secret, ...more] = text.split('_')
  if (first !== brand || environment === undefined || secret === undefined || more.length > 0) return null
  if (!isLabel(environment) || brand.length + environment.length > 14) return null
  if (secret.length !== 38 || ![...secret].every(char => base62.includes(char))) return null
  return modelChecksum(text.slice(0, -6)) === text.slice(-6) ? environment : null
}

export function brandedEnvironment (text: string, brand: string): string | null {
  const [first, environment, ...rest] = text.split('_')
  const behind = rest.join('_').charAt(0)
  const isBranded = first === brand && environment !== undefined && isLabel(environment) && behind > ' ' && behind < '\x7f'
  return isBranded ? environment : null
}

export function isLabel (text: string): boolean {
  return text !== '' && [...text].every(char => labelCharacters.includes(char))
}
