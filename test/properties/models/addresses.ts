/** Addresses as whole numbers, read part by part from their fully expanded texts. */
export interface ModelAddress {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** IPv4-mapped addresses are the IPv4 addresses that they stand for. */
export function modelAddress (text: string): ModelAddress | null {
  const plain = modelUnmapped(text)
  if (plain === null || plain.bits === 32 || plain.value >> 32n !== 0xffffn) return plain
  return { bits: 32, value: plain.value & 0xffffffffn }
}

export function modelUnmapped (text: string): ModelAddress | null {
  if (!text.includes(':')) {
    const value = dotted(text)
    return value === null ? null : { bits: 32, value }
  }
  const tail = text.slice(text.lastIndexOf(':') + 1)
  const tailValue = tail.includes('.') ? dotted(tail) : null
  if (tail.includes('.') && tailValue === null) return null
  const groupsText = tailValue === null ? text : `${text.slice(0, -tail.length)}${(tailValue >> 16n).toString(16)}:${(tailValue & 0xffffn).toString(16)}`
  const halves = groupsText.split('::')
  if (halves.length > 2) return null
  const groups = halves.map(half => half === '' ? [] : half.split(':'))
  const count = groups.flat().length
  if (halves.length === 1 ? count !== 8 : count > 7) return null
  const expanded = [...groups[0]!, ...Array.from({ length: 8 - count }, () => '0'), ...groups[1] ?? []]
  if (!expanded.every(group => group.length >= 1 && group.length <= 4 && [...group].every(char => '0123456789abcdefABCDEF'.includes(char)))) return null
  return { bits: 128, value: BigInt(`0x${expanded.map(group => group.padStart(4, '0')).join('')}`) }
}

function dotted (text: string): bigint | null {
  const parts = text.split('.')
  const isRead = parts.length === 4 && parts.every(part => String(Number(part)) === part && Number(part) >= 0 && Number(part) <= 255)
  return isRead ? parts.reduce((value, part) => value * 256n + BigInt(part), 0n) : null
}

export interface ModelRange extends ModelAddress {
  readonly prefixBits: number
}

export function modelRange (text: string): ModelRange | null {
  const [addressText = '', bitsText, ...more] = text.split('/')
  const address = modelUnmapped(addressText)
  if (address === null || more.length > 0) return null
  const prefixBits = bitsText === undefined ? address.bits : Number(bitsText)
  if (bitsText !== undefined && String(prefixBits) !== bitsText) return null
  if (!Number.isInteger(prefixBits) || prefixBits < 0 || prefixBits > address.bits) return null
  if (address.value % (1n << BigInt(address.bits - prefixBits)) !== 0n) return null
  if (address.bits === 32 || address.value >> 32n !== 0xffffn) return { ...address, prefixBits }
  return prefixBits < 96 ? null : { bits: 32, value: address.value & 0xffffffffn, prefixBits: prefixBits - 96 }
}

export function isInRange (address: ModelAddress, { bits, value, prefixBits }: ModelRange): boolean {
  const size = 1n << BigInt(bits - prefixBits)
  return address.bits === bits && address.value >= value && address.value < value + size
}
