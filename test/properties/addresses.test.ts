import fc from 'fast-check'
import t from 'tap'
import { AddressRanges, networkOf, parseAddress, parseRange } from '../../src/config/address.ts'
import { ipv4Texts, ipv6Texts } from './arbitrary-addresses.ts'
import { mutated } from './arbitrary-keys.ts'
import { type ModelAddress, isInRange, modelAddress, modelRange, modelUnmapped } from './models/addresses.ts'
import { holds } from './property.ts'

const addresses = fc.oneof(ipv4Texts, ipv6Texts)
const odd = fc.constantFrom('', '1', '1.2', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.256', '0x1.2.3.4', ':', ':::', '::1::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '1::2:3:4:5:6:7:8', 'g::', '12345::', '::1%lo', '[::1]', '::1.2.3.4:5', '1.2.3.4::', '::ffff:1.2.3', '1.2.3.4:80', 'localhost', '١.2.3.4')
const dots = fc.tuple(addresses, fc.constantFrom(' ', '.', ':', '0', '/', '%', '\0', 'x'), fc.nat()).map(([text, char, at]) => text.slice(0, at % (text.length + 1)) + char + text.slice(at % (text.length + 1)))
const anyText = fc.oneof({ weight: 4, arbitrary: addresses }, { weight: 2, arbitrary: mutated(addresses) }, { weight: 1, arbitrary: dots }, { weight: 1, arbitrary: odd })

holds(t, 'a text is the address that its expansion is, or none', 15_000, fc.property(anyText, text => {
  const address = parseAddress(text)
  const expected = modelAddress(text)
  if (address === null || expected === null) return address === null && expected === null
  return isSame(modelUnmapped(String(address)), expected) && String(address) === String(address).toLowerCase()
}))

holds(t, 'two texts are written alike exactly when they are one address', 6_000, fc.property(addresses, addresses, fc.boolean(), (one, other, isRewritten) => {
  const first = parseAddress(one)!
  const second = parseAddress(isRewritten ? String(first) : other)!
  return (String(first) === String(second)) === isSame(modelAddress(one), modelAddress(isRewritten ? one : other))
}))

const ranges = fc.tuple(addresses, fc.oneof(fc.nat(130), fc.constantFrom(0, 8, 24, 32, 64, 95, 96, 97, 104, 120, 127, 128)), fc.boolean()).map(([text, bits, isCut]) => {
  const address = modelUnmapped(text)!
  const prefixBits = Math.min(bits, address.bits)
  const rest = 1n << BigInt(address.bits - prefixBits)
  return isCut ? `${written({ ...address, value: address.value / rest * rest })}/${prefixBits}` : `${text}/${bits}`
})
const rangeTexts = fc.oneof({ weight: 5, arbitrary: ranges }, { weight: 1, arbitrary: addresses }, { weight: 1, arbitrary: mutated(ranges) })

holds(t, 'a text is a range where the model reads one, with nothing beyond its prefix', 10_000, fc.property(rangeTexts, text => {
  const range = parseRange(text)
  const expected = modelRange(text)
  if (range === null || expected === null) return range === null && expected === null
  return range.prefixBits === expected.prefixBits && isSame(modelUnmapped(String(range.network)), expected)
}))

/** Ranges, and an address in or beside one of them. */
const memberships = fc.tuple(fc.array(ranges.filter(text => modelRange(text) !== null), { minLength: 1, maxLength: 3 }), addresses, fc.constantFrom<'first' | 'last' | 'before' | 'behind' | 'any'>('first', 'last', 'before', 'behind', 'any'))

holds(t, 'an address is in a set of ranges when it lies between their ends', 15_000, fc.property(memberships, ([texts, any, place]) => {
  const [range] = texts.map(text => modelRange(text)!)
  const size = 1n << BigInt(range!.bits - range!.prefixBits)
  const value = { first: range!.value, last: range!.value + size - 1n, before: range!.value - 1n, behind: range!.value + size, any: 0n }[place]
  const isAddress = place !== 'any' && value >= 0n && value < 1n << BigInt(range!.bits)
  const text = isAddress ? written({ bits: range!.bits, value }) : any
  const expected = texts.some(rangeText => isInRange(modelAddress(text)!, modelRange(rangeText)!))
  return new AddressRanges(texts).includes(parseAddress(text)!) === expected
}))

holds(t, 'limits count the addresses of one /64 as one, and no two IPv4 addresses', 8_000, fc.property(addresses, addresses, fc.boolean(), fc.bigInt(0n, (1n << 64n) - 1n), (one, other, isNear, low) => {
  const first = modelAddress(one)!
  const second = isNear && first.bits === 128 ? modelAddress(written({ bits: 128, value: first.value >> 64n << 64n | low }))! : modelAddress(other)!
  const isCountedAsOne = networkOf(parseAddress(written(first))!) === networkOf(parseAddress(written(second))!)
  const [firstNetwork, secondNetwork] = [first, second].map(network)
  return isCountedAsOne === (firstNetwork === secondNetwork)
}))

function network ({ bits, value }: ModelAddress): string {
  if (bits === 32) return String(value)
  return value >> 32n === 0x64ff9bn << 64n ? String(value & 0xffffffffn) : `${value >> 64n}/64`
}

function written ({ bits, value }: ModelAddress): string {
  const [width, separator, radix] = bits === 32 ? [8, '.', 10] as const : [16, ':', 16] as const
  return Array.from({ length: bits / width }, (_, index) => (value >> BigInt(bits - (index + 1) * width) & ((1n << BigInt(width)) - 1n)).toString(radix)).join(separator)
}

function isSame (one: ModelAddress | null, other: ModelAddress | null): boolean {
  return one?.bits === other?.bits && one?.value === other?.value
}
