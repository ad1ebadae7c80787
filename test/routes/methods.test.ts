import { METHODS } from 'node:http'
import t from 'tap'
import { RouteTable } from '../../src/routes/route-table.ts'
import { routeConfig } from './route-config.ts'

const every = routeConfig({ id: 'every', path: '/every' })
const read = routeConfig({ id: 'read', path: '/some', methods: ['GET'] })
const write = routeConfig({ id: 'write', path: '/some', methods: ['PUT', 'POST'] })
const table = new RouteTable([every, read, write])

t.test('a route without methods serves every method but CONNECT and TRACE', async (t) => {
  for (const method of METHODS) {
    const { kind } = table.match(method, undefined, '/every')
    t.equal(kind, method === 'CONNECT' || method === 'TRACE' ? 'method_not_allowed' : 'route', method)
  }
})

t.test('a method that Node does not know is not allowed', async (t) => {
  t.equal(table.match('FETCH', undefined, '/every').kind, 'method_not_allowed')
  t.equal(table.match('constructor', undefined, '/every').kind, 'method_not_allowed')
  t.equal(table.match('get', undefined, '/some').kind, 'method_not_allowed')
})

t.test('GET does not bring HEAD along', async (t) => {
  t.same(table.match('HEAD', undefined, '/some'), { kind: 'method_not_allowed', allow: 'GET, POST, PUT' })
})

t.test('Allow lists the methods of all routes with the path, sorted', async (t) => {
  t.same(table.match('DELETE', undefined, '/some'), { kind: 'method_not_allowed', allow: 'GET, POST, PUT' })
  const match = table.match('TRACE', undefined, '/every')
  t.ok(match.kind === 'method_not_allowed' && match.allow.startsWith('ACL, BIND, ') && !match.allow.includes('TRACE'))
})

t.test('routes with one path share it, whatever their parameters are called', async (t) => {
  const get = routeConfig({ id: 'get', path: '/a/:x/b', methods: ['GET'] })
  const post = routeConfig({ id: 'post', path: '/a/:y/b', methods: ['POST'] })
  const table = new RouteTable([get, post])
  t.same(table.match('GET', undefined, '/a/1/b'), { kind: 'route', route: get })
  t.same(table.match('POST', undefined, '/a/1/b'), { kind: 'route', route: post })
})

t.test('two routes for one method and path cannot make a table', async (t) => {
  t.throws(() => new RouteTable([read, routeConfig({ id: 'other', path: '/some', methods: ['GET'] })]), /two routes serve GET \/some/)
})

t.test('a match holds the very route given, and is the same object each time', async (t) => {
  const match = table.match('GET', undefined, '/some')
  t.ok(match.kind === 'route' && match.route === read)
  t.equal(table.match('GET', 'any.example', '/some'), match)
  t.equal(table.match('HEAD', undefined, '/some'), table.match('HEAD', undefined, '/some'))
})
