import t from 'tap'
import { explain } from '../../src/routes/explain.ts'
import { RouteTable } from '../../src/routes/route-table.ts'
import { routeConfig } from './route-config.ts'

const scopes = { allOf: ['a:read'], anyOf: [] }
const table = new RouteTable([
  routeConfig({ id: 'guarded', path: '/guarded/*', methods: ['GET'], scopes, stripPrefix: '/guarded', upstream: 'inner' }),
  routeConfig({ id: 'public', path: '/public', auth: 'none' }),
  routeConfig({ id: 'watched', path: '/watched', auth: 'report', scopes }),
])

t.test('a request that passes', async (t) => {
  t.match(explain(table, { method: 'GET', path: '/guarded/x?y=1?2', scopes: ['a:*'] }), {
    status: null, code: null, routeId: 'guarded', auth: 'key', requiredScopes: scopes, upstream: 'inner', forwardedPath: '/x?y=1?2', reportedCode: null,
  })
})

t.test('refusals', async (t) => {
  const about = { routeId: 'guarded', requiredScopes: scopes, upstream: 'inner', forwardedPath: null }
  t.match(explain(table, { method: 'GET', path: '/guarded/x', scopes: null }), { ...about, status: 401, code: 'missing_key' })
  t.match(explain(table, { method: 'GET', path: '/guarded/x', scopes: ['b'] }), { ...about, status: 403, code: 'insufficient_scope' })
  t.match(explain(table, { method: 'POST', path: '/guarded/x', scopes: ['*'] }), { status: 405, code: 'method_not_allowed', allow: 'GET', routeId: null })
  t.match(explain(table, { method: 'GET', path: '/', scopes: ['*'] }), { status: 404, code: 'route_not_found', routeId: null })
  t.match(explain(table, { method: 'GET', path: '/guarded//x', scopes: ['*'] }), { status: 400, code: 'ambiguous_path', reason: /empty segment/ })
  t.match(explain(table, { method: 'GET', path: '/guarded/%zz', scopes: ['*'] }), { status: 400, code: 'bad_request' })
})

t.test('a public route needs no key', async (t) => {
  t.match(explain(table, { method: 'PUT', path: '/public', scopes: null }), { status: null, code: null, routeId: 'public', forwardedPath: '/public' })
})

t.test('a route that reports forwards, and says what it would have refused', async (t) => {
  t.match(explain(table, { method: 'GET', path: '/watched', scopes: null }), { status: null, code: null, forwardedPath: '/watched', reportedCode: 'missing_key' })
  t.match(explain(table, { method: 'GET', path: '/watched', scopes: ['b'] }), { status: null, code: null, reportedCode: 'insufficient_scope' })
  t.match(explain(table, { method: 'GET', path: '/watched', scopes: ['a:read'] }), { status: null, code: null, reportedCode: null })
})
