import fc from 'fast-check'
import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/units.ts'
import { holds } from './property.ts'

const durations = new Map(Object.entries({ ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n }))
const sizes = new Map(Object.entries({ B: 1n, KiB: 1n << 10n, MiB: 1n << 20n, GiB: 1n << 30n }))
const units = fc.constantFrom('ms', 's', 'm', 'h', 'd', 'B', 'KiB', 'MiB', 'GiB', 'KB', 'kib', 'S', '', 'w', 'toString', ' s', 's ', 's\n')
const numbers = fc.oneof(fc.bigInt(0n, 999_999_999_999n).map(String), fc.bigInt(0n, 1n << 60n).map(String), fc.constantFrom('', '0', '00', '007', '-1', '+1', '1.5', '1e3', '0x10', '१', ' 1', '999999999999', '1000000000000', '104249991', '9007199254740991'))

holds(t, 'durations and sizes are read as whole numbers of their units, or not at all', 6_000, fc.property(numbers, units, (number, unit) => {
  const text = number + unit
  return parseDuration(text) === model(number, durations.get(unit)) && parseSize(text) === model(number, sizes.get(unit))
}))

holds(t, 'what is written is read back as the same', 4_000, fc.property(fc.nat(86_400_000 * 400), fc.constantFrom(1, 1000, 1024, 60_000, 1024 ** 2), (value, factor) => {
  const whole = Math.floor(value / factor) * factor
  return parseDuration(formatDuration(whole)) === whole && parseSize(formatSize(whole)) === whole
}))

function model (number: string, factor: bigint | undefined): number | null {
  if (factor === undefined || number.length > 12 || number === '' || ![...number].every(char => '0123456789'.includes(char))) return null
  const value = BigInt(number) * factor
  return value > 9_007_199_254_740_991n ? null : Number(value)
}
