import fc from 'fast-check'

const ipv4Values = fc.oneof(fc.bigInt(0n, (1n << 32n) - 1n), fc.constantFrom(0n, 0x7f000001n, 0x0a000000n, 0x0a0000ffn, 0xc0a80001n, 0xffffffffn))
const ipv6Values = fc.oneof(
  fc.bigInt(0n, (1n << 128n) - 1n),
  fc.constantFrom(0n, 1n, (1n << 128n) - 1n, 0x20010db8n << 96n, 0xfe80n << 112n, (0x20010db8n << 96n) | 1n),
  // Mapped, NAT64's, compatible, and their neighbours.
  fc.tuple(fc.constantFrom(0xffff00000000n, 0x64ff9bn << 96n, 0x64ff9an << 96n, 0x65ff9bn << 96n, 0n, 0xfffe00000000n, 0x1ffff00000000n, 0xffffn << 48n), ipv4Values).map(([above, value]) => above | value),
  // Many zero groups, at places where `::` may stand.
  fc.array(fc.constantFrom(0n, 0n, 1n, 0xabn, 0xffffn), { minLength: 8, maxLength: 8 }).map(groups => groups.reduce<bigint>((value, group) => value << 16n | group, 0n))
)

const spellings = fc.record({ isUpperCase: fc.boolean(), isPadded: fc.boolean(), compressedFrom: fc.nat(8), compressedTo: fc.nat(8), hasDots: fc.boolean() })

export const ipv4Texts = ipv4Values.map(dotted)

/** IPv6 addresses in every spelling that is one: cased, padded, compressed where there are zeros, with a dotted tail. */
export const ipv6Texts = fc.tuple(ipv6Values, spellings).map(([value, { isUpperCase, isPadded, compressedFrom, compressedTo, hasDots }]) => {
  const groups = Array.from({ length: 8 }, (_, index) => value >> BigInt(112 - index * 16) & 0xffffn)
  const tail = hasDots ? [dotted(value & 0xffffffffn)] : []
  const texts = [...(hasDots ? groups.slice(0, 6) : groups).map(group => isPadded ? group.toString(16).padStart(4, '0') : group.toString(16)), ...tail]
  const isZero = hasDots ? groups.slice(0, 6).map(group => group === 0n) : groups.map(group => group === 0n)
  const from = Math.min(compressedFrom, compressedTo)
  const to = Math.min(Math.max(compressedFrom, compressedTo), isZero.length)
  const isCompressed = to > from && isZero.slice(from, to).every(Boolean)
  const text = isCompressed ? `${texts.slice(0, from).join(':')}::${texts.slice(to).join(':')}` : texts.join(':')
  return isUpperCase ? text.toUpperCase() : text
})

function dotted (value: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => value >> shift & 255n).join('.')
}
