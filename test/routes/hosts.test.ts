import t from 'tap'
import { RouteTable } from '../../src/routes/route-table.ts'
import { routeConfig } from './route-config.ts'

const table = new RouteTable([
  routeConfig({ id: 'any', path: '/a/*', methods: ['GET', 'POST'] }),
  routeConfig({ id: 'shared', path: '/shared' }),
  routeConfig({ id: 'own', path: '/a/*', methods: ['GET'], host: 'api.example.com' }),
  routeConfig({ id: 'special', path: '/a/secret', host: 'api.example.com' }),
  routeConfig({ id: 'v6', path: '/a/*', host: '[::1]' }),
  routeConfig({ id: 'v4', path: '/a/*', host: '127.0.0.1' }),
])

function routeOf (host: string | undefined, path: string, method = 'GET'): string {
  const match = table.match(method, host, path)
  return match.kind === 'route' ? match.route.id : match.kind
}

t.test('the Host header is read without case, port and final dot', async (t) => {
  for (const host of ['api.example.com', 'API.Example.com', 'api.example.com:8080', 'api.example.com.', 'Api.example.com.:443']) {
    t.equal(routeOf(host, '/a/x'), 'own', host)
  }
  t.equal(routeOf('[::1]:8080', '/a/x'), 'v6')
  t.equal(routeOf('127.0.0.1:80', '/a/x'), 'v4')
})

t.test('other hosts get the routes of every host', async (t) => {
  for (const host of [undefined, '', 'example.com', 'x.api.example.com', 'api.example.com.evil.example', 'evil/api.example.com', '[::1', 'api.example.com..']) {
    t.equal(routeOf(host, '/a/x'), 'any', String(host))
    t.equal(routeOf(host, '/a/secret'), 'any', String(host))
  }
})

t.test("a host's own routes take over a path entirely, its methods included", async (t) => {
  t.equal(routeOf('api.example.com', '/a/x', 'POST'), 'method_not_allowed')
  t.equal(routeOf('example.com', '/a/x', 'POST'), 'any')
})

t.test('a host with routes of its own still has those of every host', async (t) => {
  t.equal(routeOf('api.example.com', '/shared'), 'shared')
})

t.test('paths are ambiguous only beside routes of their own host', async (t) => {
  t.equal(routeOf('api.example.com', '/a/Secret'), 'ambiguous')
  t.equal(routeOf('example.com', '/a/Secret'), 'any')
})
