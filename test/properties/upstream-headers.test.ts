import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { AddressRanges } from '../../src/config/address.ts'
import { clientOf, peerOf } from '../../src/gateway/client.ts'
import { isTraceparent } from '../../src/gateway/request-id.ts'
import { UpstreamHeaders } from '../../src/gateway/upstream-headers.ts'
import type { KeyRecord } from '../../src/keys/verifier.ts'
import { isHeldScope } from '../../src/routes/scopes.ts'
import { listedHeaders } from '../../src/upstreams/header-lines.ts'
import { ipv4Texts, ipv6Texts } from './arbitrary-addresses.ts'
import { modelUnmapped } from './models/addresses.ts'
import { modelClient, modelKept } from './models/upstream-headers.ts'
import { parsedRequest } from './parsed-request.ts'
import { holds } from './property.ts'

const token = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
const known = [
  'x-latchkey-key-id', 'x-latchkey-user-id', 'x-latchkey-scopes', 'x-latchkey-x', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded', 'x-real-ip', 'x-request-id',
  'traceparent', 'tracestate', 'x-api-key', 'authorization', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'expect', 'proxy-connection', 'proxy-authorization', 'http2-settings', 'host', 'cookie', 'accept', 'content-type', 'x-own', 'set-cookie',
]
/** Of the same letters and digits; case and what stands between them vary. */
const names = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...known), fc.constantFrom('-', '-', '-', '_', '.', '~', '', '--'), fc.nat()).map(([name, dash, cased]) => [...name.replaceAll('-', dash)].map((char, index) => cased >> (index % 8) & 1 ? char.toUpperCase() : char).join('')) },
  { weight: 3, arbitrary: fc.constantFrom(...known) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...token), minLength: 1, maxLength: 12 }) }
)
const addresses = fc.oneof(ipv4Texts, ipv6Texts, fc.constantFrom('10.0.0.1', '10.1.2.3', '127.0.0.1', '::1', '2001:db8::1'))
const entries = fc.oneof({ weight: 4, arbitrary: addresses }, { weight: 1, arbitrary: ipv4Texts.map(text => `${text}:4711`) }, { weight: 1, arbitrary: ipv6Texts.map(text => `[${text}]:80`) }, { weight: 1, arbitrary: ipv6Texts.map(text => `[${text}]`) }, { weight: 1, arbitrary: fc.constantFrom('', 'unknown', '_hidden', '10.0.0.1:', '[10.0.0.1]', '1.2.3.4:port', '010.0.0.1', '10.0.0.1 10.0.0.2', '"10.0.0.1"', '[::1', '::1]', '[::1]80') })
const lists = fc.tuple(fc.array(entries, { maxLength: 5 }), fc.constantFrom(',', ', ', ' , ')).map(([list, comma]) => list.join(comma))
const printable = fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '0', ' ', '\t', ',', ';', ':', '=', '"', '\x80', '\xff', '!'), maxLength: 12 }).map(text => text.replace(/^[ \t]+|[ \t]+$/g, ''))
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const lines = fc.array(fc.oneof(
  { weight: 8, arbitrary: fc.tuple(names, fc.oneof(printable, fc.constantFrom('forged', traceparent, '5'))) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('Connection', 'connection', 'CONNECTION'), fc.array(fc.oneof(names, fc.constantFrom('close', 'keep-alive', 'content-length', '', ' ')), { maxLength: 4 }).map(list => list.join(', '))) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('X-Forwarded-For', 'x-forwarded-for'), lists) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('X-Forwarded-Proto', 'x-forwarded-proto'), fc.constantFrom('https', 'http', 'HTTPS', 'ftp', '', 'http, https', 'https,x')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('X-Forwarded-Host', 'x-forwarded-host'), fc.constantFrom('good.example', 'good.example:8080', 'a', '192.0.2.7', '[::1]:80', 'a b', 'a/b', '', 'x, good.example', 'good.example, a"b', 'u@h')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('traceparent'), fc.constantFrom(traceparent, traceparent.toUpperCase(), `ff${traceparent.slice(2)}`, '')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('Content-Length', 'content-length', 'Content_Length'), fc.constantFrom('0', '5', '0005')) }
), { maxLength: 12 })

const sets = fc.oneof(fc.constant([]), fc.constantFrom(['10.0.0.0/8'], ['127.0.0.1', '10.0.0.0/8', '::1'], ['2001:db8::/32', '::ffff:10.0.0.0/104'], ['0.0.0.0/1', '8000::/1']))
const oddScopes = fc.array(fc.oneof(fc.constantFrom('a:b', '*', 'a:*', 'x\r\nx-latchkey-user-id: forged', 'a b', '', 'ä', 'a\0', '*:*'), fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 4 })
const policies = fc.record({ keyHeader: fc.constantFrom('x-api-key', 'x-own'), dropsAuthorization: fc.boolean(), hasBody: fc.boolean() })
/** One for all cases, as in a gateway: what it keeps of one request may not show in another. */
const upstreamHeaders: Record<string, UpstreamHeaders> = { 'x-api-key': new UpstreamHeaders('x-api-key'), 'x-own': new UpstreamHeaders('x-own') }
const cases = [lines, addresses, sets, oddScopes, fc.boolean(), policies] as const

holds(t, 'the upstream gets what the client may say, in order and unchanged, and each of the gateway\'s own headers once', 7_000, fc.asyncProperty(...cases, async (lines, peerText, trusted, scopes, isVouchedFor, policy) => {
  const raw = await parsedRequest(lines)
  if (raw === null) return
  const key = { id: 7, userId: '00000000-0000-4000-8000-000000000000', scopes } as Partial<KeyRecord> as KeyRecord
  const ranges = new AddressRanges(trusted)
  const client = clientOf(raw.headers, peerOf({ remoteAddress: peerText } as Socket, ranges), ranges)
  const sent = listedHeaders(upstreamHeaders[policy.keyHeader]!.linesOf(raw, { key, isVouchedFor, requestId: 'the-id', client }, policy))

  const model = modelClient(lines, peerText, trusted)
  const keepsTrace = isTraceparent(raw.headers.traceparent)
  const kept = modelKept(lines, { ...policy, isForwarded: model.isForwarded, keepsTrace })
  const pairs = Array.from({ length: sent.length / 2 }, (_, index) => [sent[index * 2]!, sent[index * 2 + 1]!] as const)
  equal(pairs.slice(0, kept.length), kept, 'what is kept')

  const added = new Map(pairs.slice(kept.length))
  const { 'x-forwarded-for': chain = '', traceparent: trace = '', ...rest } = Object.fromEntries(added)
  const host = model.host ?? raw.headers.host
  equal(rest, {
    ...(isVouchedFor ? { 'x-latchkey-key-id': '7', 'x-latchkey-user-id': key.userId, 'x-latchkey-scopes': scopes.filter(isHeldScope).join(' ') } : {}),
    'x-request-id': 'the-id',
    'x-forwarded-proto': model.scheme,
    ...(host === undefined ? {} : { 'x-forwarded-host': host }),
  }, 'what is added')
  equal(added.size, pairs.length - kept.length, 'nothing is added twice')
  equal(chain.split(', ').map(text => String(modelUnmapped(text)?.value)), model.addresses.map(({ value }) => String(value)).reverse(), 'X-Forwarded-For')
  if (keepsTrace ? trace !== raw.headers.traceparent : !isTraceparent(trace)) throw new Error(`traceparent ${trace}`)
  for (const text of sent) if (/[\r\n\0]/.test(text)) throw new Error(`${JSON.stringify(text)} breaks a line`)
}))

function equal (actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [actual, expected].map(value => JSON.stringify(value, (_, inner) => inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner))
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`)
}

t.test('a user id that can\'t stand in a header is never written, not even as what Latin-1 makes of it', async t => {
  const raw = { rawHeaders: [], headers: {} } as Partial<IncomingMessage> as IncomingMessage
  const client = peerOf({ remoteAddress: '192.0.2.1' } as Socket, new AddressRanges([]))
  for (const userId of ['a\nb', 'a\0b', 'a\u010d\u010ax-latchkey-scopes: *']) {
    const key = { id: 7, userId, scopes: [] } as Partial<KeyRecord> as KeyRecord
    t.throws(() => new UpstreamHeaders('x-api-key').linesOf(raw, { key, isVouchedFor: true, requestId: 'the-id', client }, { dropsAuthorization: false, hasBody: false }))
  }
})
