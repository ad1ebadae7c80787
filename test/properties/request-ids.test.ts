import fc from 'fast-check'
import t from 'tap'
import { isTraceparent, RequestIds } from '../../src/gateway/request-id.ts'
import { TraceIds } from '../../src/gateway/trace-ids.ts'
import { madeKeys, mutated } from './arbitrary-keys.ts'
import { holds } from './property.ts'

const requestIds = new RequestIds()
const plain = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-'
const ids = fc.oneof(
  fc.string({ unit: fc.constantFrom(...plain), maxLength: 140 }),
  fc.string({ unit: fc.constantFrom(...plain, ...plain, ' ', '\n', '/', 'é', '\0', ','), maxLength: 20 }),
  fc.integer({ min: 126, max: 130 }).map(length => 'x'.repeat(length)),
  fc.string({ unit: 'binary' })
)

holds(t, "an id of 1 to 128 plain characters is the client's own, any other a new one", 6_000, fc.property(ids, id => {
  const isPlain = id.length >= 1 && id.length <= 128 && [...id].every(char => plain.includes(char))
  const used = requestIds.of(id)
  // What looks like a key is replaced, too; random text hardly ever does.
  return isPlain && !/_[0-9A-Za-z]{20}/.test(id) ? used === id : used !== id && /^[0-9a-f-]{36}$/.test(used)
}))

holds(t, 'an id with a key in it is never used', 2_000, fc.property(fc.string({ unit: fc.constantFrom(...plain), maxLength: 30 }), madeKeys, fc.string({ unit: fc.constantFrom(...plain), maxLength: 30 }), (before, { key }, after) => {
  return /^[0-9a-f-]{36}$/.test(requestIds.of(before + key + after))
}))

const traceIds = new TraceIds()
const hex = (length: number) => fc.oneof(fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length }), fc.constantFrom('0'.repeat(length), 'f'.repeat(length), `${'0'.repeat(length - 1)}1`))
const parents = fc.tuple(hex(2), hex(32), hex(16), hex(2)).map(parts => parts.join('-'))

holds(t, 'a traceparent passes when Trace Context says that it may', 6_000, fc.property(fc.oneof(parents, mutated(parents)), text => {
  const [version = '', trace = '', parent = '', flags = '', ...more] = text.split('-')
  const isHex = (part: string, length: number) => part.length === length && [...part].every(char => '0123456789abcdef'.includes(char))
  const isValid = more.length === 0 && isHex(version, 2) && version !== 'ff' && isHex(trace, 32) && /[^0]/.test(trace) && isHex(parent, 16) && /[^0]/.test(parent) && isHex(flags, 2)
  return isTraceparent(text) === isValid && isTraceparent(traceIds.newTraceparent())
}))

t.test('new traces are valid and differ', async t => {
  const made = Array.from({ length: 2_000 }, () => traceIds.newTraceparent())
  t.equal(new Set(made.flatMap(text => text.split('-').slice(1, 3))).size, 4_000)
  t.ok(made.every(isTraceparent))
})

t.test('new ids are UUIDs of version 4, and differ', async t => {
  const made = Array.from({ length: 2_000 }, () => requestIds.of(undefined))
  t.equal(new Set(made).size, 2_000)
  t.ok(made.every(id => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)))
})
