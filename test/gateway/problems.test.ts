import t, { type Test } from 'tap'
import type { ProblemCode } from '../../src/errors.ts'
import { generateKey } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { createDatabase } from '../support/postgres.ts'
import { ask, host, type RawAnswer, type RawRequest } from '../support/raw-http.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'

const unknownKey = generateKey({ brand: 'sk', environment: 'live' })

t.test('every refusal is a problem of the one shape', async t => {
  const upstream = await startUpstream(t)
  const silent = await startRawUpstream(t, () => {})
  const rude = await startRawUpstream(t, request => { request.socket.destroy() })
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const gateway = await startGateway(t, {
    config: `
upstreams:
  u: { targets: ["${upstream.url}"] }
  silent: { targets: ["${silent.url}"], headersTimeout: 100ms }
  rude: { targets: ["${rude.url}"], retries: 0 }
routes:
  - { id: open, path: /open, upstream: u }
  - { id: read, path: /read, methods: [HEAD, GET], scopes: [inventory:read, tickets:read], upstream: u }
  - { id: either, path: /either, scopes: { allOf: [a], anyOf: [b, c] }, upstream: u }
  - { id: upload, path: /upload, bodyBytesMax: 10B, upstream: u }
  - { id: silent, path: /silent, upstream: silent }
  - { id: rude, path: /rude, upstream: rude }
`,
    database,
    databaseUrl: proxy.through(database.url),
  })
  t.teardown(() => proxy.resume())
  const { key } = await gateway.createKey()
  const inState = async (columns: string) => {
    const { key, apiKey } = await gateway.createKey()
    await database.pool.query(`update api_keys set ${columns} where id = $1`, [apiKey.id])
    return by(key)
  }
  const by = (key: string, ...more: string[]) => ({ headers: [host, `x-api-key: ${key}`, ...more] })

  const refusals: [status: number, code: ProblemCode, request: RawRequest][] = [
    [400, 'bad_request', { target: '/open', headers: [host, host] }],
    [400, 'bad_request', { target: '/%zz', ...by(key) }],
    [400, 'bad_request', { target: 'not-a-path', ...by(key) }],
    [400, 'bad_request', { target: '/open', headers: [host, 'broken line'] }],
    [400, 'bad_request', { target: '/open', headers: [host, 'Content-Length: 1', 'Transfer-Encoding: chunked'] }],
    [400, 'ambiguous_path', { target: '/open//', ...by(key) }],
    [400, 'ambiguous_path', { target: '/a;b', ...by(key) }],
    [400, 'ambiguous_path', { target: '/\xe9', ...by(key) }],
    [400, 'ambiguous_key', { target: '/open', ...by(key, `Authorization: Bearer ${unknownKey}`) }],
    [400, 'ambiguous_key', { target: '/open', ...by(key, `x-api-key: ${key}`) }],
    [401, 'missing_key', { target: '/open' }],
    [401, 'invalid_key', { target: '/open', ...by('junk') }],
    [401, 'invalid_key', { target: '/open', ...by(unknownKey) }],
    [401, 'key_disabled', { target: '/open', ...await inState('is_active = false') }],
    [401, 'key_revoked', { target: '/open', ...await inState('revoked_at = now()') }],
    [401, 'key_expired', { target: '/open', ...await inState('expires_at = now()') }],
    [403, 'insufficient_scope', { target: '/read', ...by(key) }],
    [404, 'route_not_found', { target: '/nowhere', ...by(key) }],
    [404, 'route_not_found', { target: '/nowhere' }],
    [405, 'method_not_allowed', { method: 'POST', target: '/read' }],
    [413, 'body_too_large', { method: 'POST', target: '/upload', ...by(key, 'Content-Length: 11'), body: 'x'.repeat(11) }],
    [413, 'body_too_large', { method: 'POST', target: '/upload', ...by(key, 'Transfer-Encoding: chunked'), body: 'b\r\nxxxxxxxxxxx\r\n0\r\n\r\n' }],
    [431, 'headers_too_large', { target: '/open', headers: [host, ...Array.from({ length: 200 }, (_, i) => `x-${i}: x`)] }],
    [431, 'headers_too_large', { target: '/open', headers: [host, `x-large: ${'x'.repeat(20_000)}`] }],
    [431, 'headers_too_large', { target: `/${'x'.repeat(20_000)}`, headers: [host] }],
    [502, 'upstream_unreachable', { target: '/rude', ...by(key) }],
    [504, 'upstream_timeout', { target: '/silent', ...by(key) }],
  ]
  for (const [status, code, request] of refusals) isProblem(t, await ask(gateway.url, request), status, code)

  await proxy.cut()
  const unavailable = await ask(gateway.url, { target: '/open', ...by(generateKey({ brand: 'sk', environment: 'live' })) })
  isProblem(t, unavailable, 503, 'key_store_unavailable')
  t.match(unavailable.headers['retry-after'], [/^[1-9][0-9]*$/])

  t.test('what each code adds', async t => {
    const scopes = await ask(gateway.url, { target: '/read', ...by(key) })
    t.match(JSON.parse(scopes.text), { requiredScopes: ['inventory:read', 'tickets:read'], requiredAnyOf: undefined })
    t.same(scopes.headers['www-authenticate'], ['Bearer realm="latchkey", error="insufficient_scope", scope="inventory:read tickets:read"'])
    t.match(JSON.parse((await ask(gateway.url, { target: '/either', ...by(key) })).text), { requiredScopes: ['a', 'b', 'c'], requiredAnyOf: ['b', 'c'] })
    t.same((await ask(gateway.url, { method: 'POST', target: '/read' })).headers.allow, ['GET, HEAD'])
    t.same((await ask(gateway.url, { target: '/open' })).headers['www-authenticate'], ['Bearer realm="latchkey"'])
    t.same((await ask(gateway.url, { target: '/open', ...by('junk') })).headers['www-authenticate'], ['Bearer realm="latchkey", error="invalid_token"'])
    t.match(JSON.parse((await ask(gateway.url, { target: '/open' })).text).detail, 'x-api-key')
  })

  t.test('a refusal of HEAD has the headers and no body', async t => {
    const { status, headers, text } = await ask(gateway.url, { method: 'HEAD', target: '/open' })
    t.equal(status, 401)
    t.same(headers['content-type'], ['application/problem+json'])
    t.equal(text, '')
  })
})

function isProblem (t: Test, { status, headers, text, raw }: RawAnswer, expectedStatus: number, code: ProblemCode): void {
  t.equal(status, expectedStatus, code)
  t.same(headers['content-type'], ['application/problem+json'], 'exactly this media type')
  t.same(headers['content-length'], [String(Buffer.byteLength(text))], 'the body is whole')
  const { type, title, status: statusMember, detail, code: codeMember, requestId, ...more } = JSON.parse(text)
  t.same({ type, status: statusMember, code: codeMember }, { type: `urn:latchkey:problem:${code}`, status: expectedStatus, code })
  t.match(title, /^[A-Z]\S* ?/)
  t.match(detail, /^[A-Z].*\.$/)
  t.same(headers['x-request-id'], [requestId])
  t.match(requestId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  t.same(Object.keys(more).filter(member => !/^required(Scopes|AnyOf)$/.test(member)), [], 'no other member')
  t.equal('www-authenticate' in headers, expectedStatus === 401 || code === 'insufficient_scope')
  t.equal('retry-after' in headers, expectedStatus === 503)
  t.equal('allow' in headers, expectedStatus === 405)
  t.notMatch(raw, /node_modules|\bat .*:\d+:\d+|x-powered-by/i, 'nothing of the inside')
}
