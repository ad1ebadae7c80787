import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { send, sendRaw } from '../../support/http.ts'
import { operations, pathOf } from './document.ts'
import { adminToken, type ApiAnswer, startApi } from './support.ts'

const api = await startApi(t)
const { apiKey } = await api.create()
const valid = { userId: 'ada@example.com', name: 'one', scopes: ['inventory:read'] }

function fieldsOf ({ status, code, body, text }: ApiAnswer): string[] {
  if (status !== 400 || code !== 'bad_request') return [`${status} ${text}`]
  return body.errors?.map(({ field }: { field: string }) => field) ?? [`no errors: ${body.detail}`]
}

async function faultyBodies (t: Test, method: string, path: string, cases: [body: unknown, fields: string[]][]): Promise<void> {
  for (const [body, fields] of cases) t.same(fieldsOf(await api.call(method, path, { body })).sort(), [...fields].sort(), JSON.stringify(body)?.slice(0, 200))
}

t.test('of a new key', async t => {
  await faultyBodies(t, 'POST', '/v1/keys', [
    [{}, ['userId', 'name', 'scopes']],
    [{ userId: 7, name: [], scopes: 'inventory:read', description: 1, environment: null, expiresAt: 5, expiresIn: 90, metadata: [] },
      ['userId', 'name', 'scopes', 'description', 'environment', 'expiresAt', 'expiresIn', 'metadata']],
    [{ ...valid, ipAllowlist: ['10.0.0.0/8'], rateLimit: { requests: 1, per: '1s' } }, ['ipAllowlist', 'rateLimit']],
    [{ ...valid, Name: 'x', user: 'y' }, ['Name', 'user']],
    [{ ...valid, scopes: ['inventory:read', 'Inventory:read', 7, 'a b', 'a:*:b', ''] }, ['scopes.1', 'scopes.2', 'scopes.3', 'scopes.4', 'scopes.5']],
    [{ ...valid, scopes: Array.from({ length: 201 }, (_, i) => `s:${i}`) }, ['scopes']],
    [{ ...valid, scopes: [`a${'b'.repeat(255)}`] }, ['scopes.0']],
    [{ ...valid, name: '' }, ['name']],
    [{ ...valid, name: '  ' }, ['name']],
    [{ ...valid, name: 'x'.repeat(256) }, ['name']],
    [{ ...valid, name: 'a\0b' }, ['name']],
    [{ ...valid, name: 'a\nb' }, ['name']],
    [{ ...valid, description: 'a\0b' }, ['description']],
    [{ ...valid, description: 'x'.repeat(10_001) }, ['description']],
    [{ ...valid, userId: 'nobody' }, ['userId']],
    [{ ...valid, userId: '12345678-1234-1234-1234-12345678901' }, ['userId']],
    [{ ...valid, userId: 'a@b\0' }, ['userId']],
    [{ ...valid, userId: `${'a'.repeat(320)}@example.com` }, ['userId']],
    [{ ...valid, environment: 'staging' }, ['environment']],
    [{ ...valid, environment: '' }, ['environment']],
    [{ ...valid, expiresAt: '2099-01-01T00:00:00Z', expiresIn: '90d' }, ['expiresIn']],
    [{ ...valid, expiresAt: null, expiresIn: '90d' }, ['expiresIn']],
    ...['2099-01-01T00:00:00', '2099-01-01 00:00:00Z', '2099-02-30T00:00:00Z', '2099-01-01T25:00:00Z', 'tomorrow', '', '4070908800', '+102099-01-01T00:00:00Z', '9999-12-31T23:59:59-14:00', '2099-01-01T00:00:00+99:00']
      .map((expiresAt): [unknown, string[]] => [{ ...valid, expiresAt }, ['expiresAt']]),
    [{ ...valid, expiresAt: '2001-01-01T00:00:00Z' }, ['expiresAt']],
    ...['90', '0d', '-1d', '1.5h', '90 d', '1w', '', '999999999999d', '36526d'].map((expiresIn): [unknown, string[]] => [{ ...valid, expiresIn }, ['expiresIn']]),
    [{ ...valid, metadata: { long: 'x'.repeat(16_384) } }, ['metadata']],
    [{ ...valid, metadata: { text: 'a\0b' } }, ['metadata']],
    [{ ...valid, metadata: { 'a\0b': 1 } }, ['metadata']],
    [{ ...valid, metadata: { half: '\ud83d' } }, ['metadata']],
    [{ ...valid, metadata: null }, ['metadata']],
    ...[[], null, 'text', 7, true].map((body): [unknown, string[]] => [body, ['']]),
  ])
  t.equal((await api.call('POST', '/v1/keys', { body: { ...valid, metadata: { text: 'a\\u0000b', whole: '😀' } } })).status, 201, 'what only looks like a NUL is none')
  const all = await api.call('POST', '/v1/keys', { body: { ...valid, scopes: Array.from({ length: 10_000 }, () => 1) } })
  t.ok(all.body.errors.length <= 100, 'as many faults as one reads')
})

t.test('of a change', async t => {
  await faultyBodies(t, 'PATCH', `/v1/keys/${apiKey.id}`, [
    [{}, ['']],
    [{ name: null, scopes: null, metadata: null, expiresIn: null }, ['name', 'scopes', 'metadata', 'expiresIn']],
    [{ status: 'active', userId: 'ada@example.com', environment: 'test', prefix: 'x', id: 1 }, ['status', 'userId', 'environment', 'prefix', 'id']],
    [{ ipAllowlist: [], rateLimit: null }, ['ipAllowlist', 'rateLimit']],
    [{ expiresAt: null, expiresIn: '1d' }, ['expiresIn']],
    [{ expiresAt: '2001-01-01T00:00:00Z' }, ['expiresAt']],
    [{ scopes: ['*:x'] }, ['scopes.0']],
  ])
  t.match((await api.call('GET', `/v1/keys/${apiKey.id}`)).body, apiKey, 'nothing was changed')
})

t.test('of a rotation and of the end of a grace', async t => {
  await faultyBodies(t, 'POST', `/v1/keys/${apiKey.id}/rotate`, [
    [{ gracePeriod: '91d' }, ['gracePeriod']],
    [{ gracePeriod: '999999999999d' }, ['gracePeriod']],
    [{ gracePeriod: 'soon' }, ['gracePeriod']],
    [{ gracePeriod: null }, ['gracePeriod']],
    [{ grace: '1h' }, ['grace']],
    [[], ['']],
    ['1h', ['']],
  ])
  await faultyBodies(t, 'POST', `/v1/keys/${apiKey.id}/end-grace`, [
    [{ earlierSecretId: '1' }, ['earlierSecretId']],
    [{ earlierSecretId: 1.5 }, ['earlierSecretId']],
    [{ earlierSecretId: -1 }, ['earlierSecretId']],
    [{ earlierSecretId: 1e300 }, ['earlierSecretId']],
    [{ id: 1 }, ['id']],
  ])
  for (const action of ['disable', 'enable', 'revoke']) {
    await faultyBodies(t, 'POST', `/v1/keys/${apiKey.id}/${action}`, [[{ reason: 'x' }, ['']], [[1], ['']], ['x', ['']], [7, ['']]])
    t.equal((await api.call('POST', '/v1/keys/999999/' + action, { body: {} })).code, 'key_not_found', 'an empty object is no body')
  }
  t.match((await api.call('GET', `/v1/keys/${apiKey.id}`)).body, apiKey, 'nothing was changed')
})

t.test('of a question', async t => {
  await faultyBodies(t, 'POST', '/v1/explain', [
    [{}, ['method', 'path']],
    [{ method: 'G T', path: 'x', host: 7, scopes: ['A'], keyId: '7', more: 1 }, ['more', 'method', 'path', 'host', 'scopes.0', 'keyId']],
    [{ method: 'GET', path: '/', keyId: 1e300 }, ['keyId']],
    [{ method: 'GET', path: `/${'x'.repeat(8_192)}` }, ['path']],
  ])
})

t.test('of an id in the path', async t => {
  for (const { method, path, operationId } of operations.filter(({ path }) => path.includes('{id}'))) {
    for (const id of ['x', '-1', '1.5', '1e3', '0x10', '%201', '1%00', '9007199254740992', '9'.repeat(30), '9'.repeat(400), '1;2', 'null', '%F0%9F%98%80']) {
      t.same(fieldsOf(await api.call(method, pathOf({ path }, id), method === 'PATCH' ? { body: { name: 'x' } } : {})), ['id'], `${operationId} ${id.slice(0, 40)}`)
    }
    for (const id of ['999999', '2147483648', '9007199254740991']) {
      t.equal((await api.call(method, pathOf({ path }, id), method === 'PATCH' ? { body: { name: 'x' } } : {})).code, 'key_not_found', `${operationId} ${id}`)
    }
  }
})

t.test('of parameters', async t => {
  const cases: [string, string[]][] = [
    ['/v1/keys?limit=0&cursor=x&status=gone&colour=red', ['limit', 'cursor', 'status', 'colour']],
    ['/v1/keys?limit=501', ['limit']],
    ['/v1/keys?limit=', ['limit']],
    ['/v1/keys?limit=1e1', ['limit']],
    ['/v1/keys?limit=5&limit=6', ['limit']],
    ['/v1/keys?search=a&search=b', ['search']],
    ['/v1/keys?cursor=99999999999999999', ['cursor']],
    ['/v1/keys?cursor=', ['cursor']],
    ['/v1/keys?userId=nobody', ['userId']],
    ['/v1/keys?userId=nobody@example.com', ['userId']],
    ['/v1/keys?search=%00&prefix=%00&scope=a%00', ['search', 'prefix', 'scope']],
    [`/v1/keys?search=${'x'.repeat(256)}`, ['search']],
    ['/v1/keys?__proto__=1', ['__proto__']],
    [`/v1/keys/${apiKey.id}?x=1`, ['x']],
    [`/v1/keys/${apiKey.id}/usage?from=yesterday&to=2030-01-01T00:00&bucket=minute`, ['from', 'to', 'bucket']],
    [`/v1/keys/${apiKey.id}/usage?from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z`, ['to']],
    [`/v1/keys/${apiKey.id}/usage?from=2029-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&bucket=hour`, ['from']],
    ['/v1/usage/summary?from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z', ['from']],
    ['/v1/usage/summary?limit=51', ['limit']],
    ['/v1/usage/export?format=xml&from=x&until=y&keyId=a&userId=b&status=9xx&afterId=-1&limit=0', ['format', 'from', 'until', 'keyId', 'userId', 'status', 'afterId', 'limit']],
    ['/v1/usage/export?keyId=99999999999999999999&afterId=1e3&route=%00', ['route', 'keyId', 'afterId']],
    ['/v1/audit?keyId=99999999999999999999&action=key.stolen&from=1&to=2&limit=x&cursor=1.5&actor=%00', ['actor', 'keyId', 'action', 'from', 'to', 'limit', 'cursor']],
    ['/v1/token?x=1', ['x']],
  ]
  for (const [path, fields] of cases) t.same(fieldsOf(await api.call('GET', path)).sort(), [...fields].sort(), path.slice(0, 120))
})

t.test('of headers', async t => {
  for (const name of ['two words', 'ü', '', 'x'.repeat(256)]) {
    t.same(fieldsOf(await api.call('POST', '/v1/keys', { body: valid, headers: { 'idempotency-key': name } })), ['idempotency-key'], name.slice(0, 20))
  }
  t.same(fieldsOf(await api.call('PATCH', `/v1/keys/${apiKey.id}`, { body: { name: 'x' }, headers: { 'if-match': `"${'x'.repeat(256)}"` } })), ['if-match'])
})

t.test('what is no JSON', async t => {
  const json = { 'content-type': 'application/json' }
  for (const text of ['{', '{"name":}', "{'name': 1}", '{"name": 1}}', 'undefined', '\u{feff}{', '{"__proto__": {"x": 1}}', '\0']) {
    t.match(await api.call('POST', '/v1/keys', { text, headers: json }), { status: 400, code: 'bad_request', body: { detail: /JSON/ } }, text)
  }
  t.match(await api.call('POST', '/v1/keys', { text: gzipSync(JSON.stringify(valid)).toString('latin1'), headers: { ...json, 'content-encoding': 'gzip' } }), { status: 400, code: 'bad_request' })
  t.same(fieldsOf(await api.call('POST', '/v1/keys', { text: '', headers: json })), [''], 'nothing')
  t.same(fieldsOf(await api.call('POST', '/v1/keys')), [''], 'nothing, of no type')
  t.same(fieldsOf(await api.call('POST', '/v1/keys', { text: JSON.stringify({ ...valid, metadata: 'DEEP' }).replace('"DEEP"', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), headers: json })), [''], 'nested without end')
  t.same(fieldsOf(await api.call('POST', '/v1/keys', { text: JSON.stringify({ ...valid, metadata: 'DEEP' }).replace('"DEEP"', `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`), headers: json })), [''], 'nested deep, and short')
})

t.test('of another type, or too large', async t => {
  for (const { operationId, method, path } of operations.filter(({ method }) => method !== 'GET')) {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense', 'application/jsonp']) {
      const answer = await api.call(method, pathOf({ path }, apiKey.id), { text: 'name=x', headers: { 'content-type': type } })
      t.same([answer.status, answer.code], [415, 'unsupported_media_type'], `${operationId} ${type}`)
    }
    if (operationId !== 'importKeys') {
      for (const type of ['text/csv', 'application/x-ndjson']) t.equal((await api.call(method, pathOf({ path }, apiKey.id), { text: 'x', headers: { 'content-type': type } })).code, 'unsupported_media_type', `${operationId} ${type}`)
    }
    const { host } = new URL(api.url)
    const answer = await sendRaw(api.url, `${method} ${pathOf({ path }, apiKey.id)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${adminToken}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 413 .*"code":"body_too_large"/s, `${operationId}, before it is read`)
  }
  const chunked = await send(`${api.url}/v1/keys`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, body: `{"name":"${'x'.repeat(1_100_000)}"}` }).catch(() => null)
  t.ok(chunked === null || chunked.code === 'body_too_large')
  t.equal((await api.call('POST', '/v1/keys', { body: valid, headers: { 'content-type': 'Application/JSON; charset=utf-8' } })).status, 201)
})

t.test('none of it was a failure of ours', async t => {
  t.same(api.errorsLogged(), [])
})
