import t from 'tap'
import { sendRaw } from '../../support/http.ts'
import { operations, pathOf } from './document.ts'
import { adminToken, startApi } from './support.ts'

const api = await startApi(t)

t.test('no operation answers without the token, or to a wrong one', async t => {
  t.ok(operations.length >= 18)
  let other = api
  for (const [i, operation] of operations.entries()) {
    // A gateway answers twenty wrong tokens a minute, so that these take more than one.
    if (i % 15 === 0) other = await startApi(t, { database: api.gateway.database })
    for (const token of [null, `${adminToken}x`]) {
      const { status, code, headers } = await other.call(operation.method, pathOf(operation), { token, text: '' })
      t.same([status, code], [401, 'unauthorized'], `${operation.operationId} ${token}`)
      t.match(headers['www-authenticate'], /^Bearer /)
    }
  }
})

t.test('without a token, nobody learns which paths there are', async t => {
  for (const path of ['/v1', '/v1/', '/v1/nothing', '/v1/keys/1/nothing']) {
    t.equal((await api.call('GET', path, { token: null })).code, 'unauthorized')
    const known = await api.call('GET', path)
    t.same([known.status, known.code], [404, 'route_not_found'], path)
  }
  t.equal((await api.call('PUT', '/v1/keys', { token: null })).code, 'unauthorized', 'nor which methods')
})

t.test('who has no token is refused before the body is read', async t => {
  for (const operation of operations.filter(({ method }) => method !== 'GET')) {
    const { host } = new URL(api.url)
    // The body never comes.
    const answer = await sendRaw(api.url, `${operation.method} ${pathOf(operation)} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 401 /, operation.operationId)
  }
})

t.test('a method that a path does not have is refused with those that it has', async t => {
  const methodsOf = new Map<string, string[]>()
  for (const { method, path } of operations) methodsOf.set(path, [...methodsOf.get(path) ?? [], method])
  for (const [path, methods] of methodsOf) {
    const allowed = methods.flatMap(method => method === 'GET' ? ['GET', 'HEAD'] : [method])
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'].filter(method => !allowed.includes(method))) {
      const { status, headers } = await api.call(method, pathOf({ path }), ['PUT', 'PATCH', 'POST', 'DELETE'].includes(method) ? { text: 'x', headers: { 'content-type': 'text/unknown' } } : {})
      t.equal(status, 405, `${method} ${path}`)
      t.same(String(headers['allow']).split(', ').sort(), allowed.sort(), `${method} ${path}`)
    }
  }
})
