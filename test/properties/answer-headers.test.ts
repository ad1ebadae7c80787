import fc from 'fast-check'
import t from 'tap'
import { passedOnHeaders } from '../../src/upstreams/answer.ts'
import { holds } from './property.ts'

const connectionsOwn = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings']
const names = fc.constantFrom(...connectionsOwn, 'x-request-id', 'x-own', 'x-hop', 'set-cookie', 'content-type', 'content-length', 'location', 'etag', 'date', 'cache-control', 'constructor', 'toString', '__proto__')
const singletons = ['age', 'content-location', 'content-range', 'content-type', 'date', 'etag', 'expires', 'last-modified', 'location', 'retry-after', 'server']
const values = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\t', ',', '"', '\xa0', '\xff', 'x-own', 'x-request-id', 'set-cookie', 'close'), maxLength: 5 }).map(text => text.replace(/^[ \t]+/, ''))
const headers = fc.array(fc.tuple(fc.oneof(names, fc.constant('connection')), fc.oneof(values, fc.array(values, { minLength: 2, maxLength: 3 }))), { maxLength: 10 })
const added = { 'x-request-id': 'the-id', 'x-added': 'yes' }

holds(t, 'a client gets what the upstream says of its answer, nothing of its connection, and what the gateway adds', 10_000, fc.property(headers, list => {
  const given = Object.fromEntries(list)
  const passed = passedOnHeaders(given, added)
  const connection = [given.connection ?? []].flat().flatMap(value => value.toLowerCase().split(',').map(name => name.trim()))
  const expected = new Map<string, string | string[]>()
  for (const [name, value] of Object.entries(given)) {
    if (connectionsOwn.includes(name) || connection.includes(name) || name === '__proto__') continue
    const trimmed = [value].flat().map(text => text.replace(/[ \t]+$/, ''))
    expected.set(name, typeof value === 'string' || singletons.includes(name) ? trimmed[0]! : trimmed)
  }
  for (const [name, value] of Object.entries(added)) expected.set(name, value)
  const one = JSON.stringify(Object.entries(passed).sort())
  const other = JSON.stringify([...expected].sort())
  if (one !== other) throw new Error(`${one} instead of ${other}`)
}))
