import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { ask } from '../support/raw-http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

// A strict route beside laxer ones that a request could slip into, each with a scope that the others don't take.
const routes = `
  - { id: secret, path: /admin/secret, methods: [GET], scopes: [admin], upstream: u }
  - { id: admin, path: /admin/*, scopes: [staff], upstream: u }
  - { id: all, path: /*, upstream: u }
  - { id: read, path: /items/:id, methods: [GET, HEAD], scopes: [items:read], upstream: u }
  - { id: write, path: /items/:id, methods: [PUT, DELETE], scopes: [items:read, items:write], upstream: u }
  - { id: mine, path: /items/mine, methods: [GET], scopes: [mine], upstream: u }
  - { id: any, path: /any, scopes: { anyOf: [a:read, b:read] }, upstream: u }
  - { id: both, path: /both, scopes: { allOf: [a:read], anyOf: [b:read, c:read] }, upstream: u }
  - { id: public, path: /public, methods: [GET], auth: none, upstream: u }
  - { id: report, path: /report, auth: report, scopes: [admin], upstream: u }
  - { id: slash, path: /folder/, scopes: [folder], upstream: u }
  - { id: host, path: /admin/secret, host: api.example.com, methods: [GET, POST], scopes: [host], upstream: u }
  - { id: host-only, path: /host-only, host: api.example.com, scopes: [host], upstream: u }
`

// What keys hold, by the name that the table calls them.
const holdings = {
  bare: [],
  staff: ['staff'],
  admin: ['admin'],
  staffAdmin: ['staff', 'admin'],
  reader: ['items:read'],
  writer: ['items:write'],
  both: ['items:read', 'items:write'],
  items: ['items:*'],
  mine: ['mine'],
  a: ['a:read'],
  b: ['b:read'],
  ab: ['a:read', 'b:read'],
  bc: ['b:read', 'c:read'],
  ac: ['a:*', 'c:*'],
  folder: ['folder'],
  host: ['host'],
  all: ['*'],
  // Held, but of no form that grants anything.
  odd: ['Admin', 'ADMIN', ' admin', 'admin ', 'admin,staff', 'admin staff', 'adm*', 'admin*', 'admin:*', '**', '*:*', ':*', '', 'items:', 'items', 'items*', 'items:rea*', 'items:**', 'item:*'],
} satisfies Record<string, readonly string[]>

type Key = keyof typeof holdings | 'none' | 'junk'
/** A route's id: forwarded, and by that route. Else the refusal's code. */
type Verdict = string

const ambiguous = 'ambiguous_path'

const table: [method: string, target: string, key: Key, verdict: Verdict, host?: string][] = [
  // The strict route itself.
  ['GET', '/admin/secret', 'admin', 'secret'],
  ['GET', '/admin/secret', 'staffAdmin', 'secret'],
  ['GET', '/admin/secret', 'all', 'secret'],
  ['GET', '/admin/secret', 'staff', 'insufficient_scope'],
  ['GET', '/admin/secret', 'bare', 'insufficient_scope'],
  ['GET', '/admin/secret', 'odd', 'insufficient_scope'],
  ['GET', '/admin/secret', 'none', 'missing_key'],
  ['GET', '/admin/secret', 'junk', 'invalid_key'],
  ['GET', '/admin/secret?', 'admin', 'secret'],
  ['GET', '/admin/secret?x=/../public', 'staff', 'insufficient_scope'],
  ['GET', '/admin/secret?x=%2f..%2f//;', 'admin', 'secret'],
  // Other methods never fall through to the laxer route.
  ['POST', '/admin/secret', 'staff', 'method_not_allowed'],
  ['POST', '/admin/secret', 'admin', 'method_not_allowed'],
  ['POST', '/admin/secret', 'all', 'method_not_allowed'],
  ['POST', '/admin/secret', 'none', 'method_not_allowed'],
  ['PUT', '/admin/secret', 'staff', 'method_not_allowed'],
  ['DELETE', '/admin/secret', 'staff', 'method_not_allowed'],
  ['PATCH', '/admin/secret', 'staff', 'method_not_allowed'],
  ['HEAD', '/admin/secret', 'admin', 'method_not_allowed'],
  ['OPTIONS', '/admin/secret', 'staff', 'method_not_allowed'],
  ['PROPFIND', '/admin/secret', 'staff', 'method_not_allowed'],
  ['TRACE', '/admin/secret', 'staff', 'method_not_allowed'],
  ['get', '/admin/secret', 'staff', 'bad_request'],
  // Other spellings of the strict path reach no laxer route.
  ['GET', '/Admin/Secret', 'staff', ambiguous],
  ['GET', '/ADMIN/SECRET', 'all', ambiguous],
  ['GET', '/admin/Secret', 'staff', ambiguous],
  ['POST', '/admin/Secret', 'staff', ambiguous],
  ['GET', '/admin/secret/', 'staff', ambiguous],
  ['GET', '/Admin/secret/', 'bare', ambiguous],
  ['GET', '//', 'bare', ambiguous],
  ['GET', '//admin/secret', 'bare', ambiguous],
  ['GET', '/admin//secret', 'staff', ambiguous],
  ['GET', '/admin/secret//', 'staff', ambiguous],
  ['GET', '/admin/./secret', 'staff', ambiguous],
  ['GET', '/admin/.', 'staff', ambiguous],
  ['GET', '/x/../admin/secret', 'bare', ambiguous],
  ['GET', '/admin/..', 'staff', ambiguous],
  ['GET', '/x/%2e%2e/admin/secret', 'bare', ambiguous],
  ['GET', '/x/%2E%2e/admin/secret', 'bare', ambiguous],
  ['GET', '/x/.%2e/admin/secret', 'bare', ambiguous],
  ['GET', '/admin/%2e/secret', 'staff', ambiguous],
  ['GET', '/x/..%2fadmin/secret', 'bare', ambiguous],
  ['GET', '/admin%2fsecret', 'bare', ambiguous],
  ['GET', '/admin%2Fsecret', 'bare', ambiguous],
  ['GET', '/admin%5csecret', 'bare', ambiguous],
  ['GET', '/admin\\secret', 'bare', ambiguous],
  ['GET', '/x/..%5cadmin%5csecret', 'bare', ambiguous],
  ['GET', '/admin/secret;x=1', 'staff', ambiguous],
  ['GET', '/admin;/secret', 'bare', ambiguous],
  ['GET', '/admin/secret#', 'staff', ambiguous],
  ['GET', '/public#/../admin/secret', 'bare', ambiguous],
  ['GET', '/admin/secret?x#', 'staff', ambiguous],
  ['GET', '/admin/secret%00', 'staff', ambiguous],
  ['GET', '/admin/secret%00.css', 'staff', ambiguous],
  ['GET', '/admin/secret%0d%0a', 'staff', ambiguous],
  ['GET', '/admin/secret%09', 'staff', ambiguous],
  ['GET', '/admin/secr\xe9t', 'staff', ambiguous],
  ['GET', '/admin/secr\xc3\xa9t', 'staff', ambiguous],
  ['GET', '/\xff', 'bare', ambiguous],
  ['GET', '/admin/secret\x7f', 'staff', ambiguous],
  ['GET', '/x/%252e%252e/admin/secret', 'bare', ambiguous],
  ['GET', '/admin%252fsecret', 'bare', ambiguous],
  ['GET', '/%2561dmin/secret', 'bare', ambiguous],
  // Encoded letters are the letters: the same route, the same scope.
  ['GET', '/%61dmin/secret', 'admin', 'secret'],
  ['GET', '/%61dmin/secret', 'staff', 'insufficient_scope'],
  ['GET', '/%61dmin/secret', 'bare', 'insufficient_scope'],
  ['POST', '/admin/secre%74', 'staff', 'method_not_allowed'],
  ['GET', '/%41dmin/secret', 'bare', ambiguous],
  ['GET', '/admin/%73%65%63%72%65%74', 'admin', 'secret'],
  ['GET', '/admin/secret%2f', 'staff', ambiguous],
  ['GET', '/%zz', 'bare', 'bad_request'],
  ['GET', '/admin/secret%', 'staff', 'bad_request'],
  ['GET', '/admin/%c0%ae%c0%ae', 'staff', 'bad_request'],
  // The laxer routes, for what is theirs.
  ['GET', '/admin/secrets', 'staff', 'admin'],
  ['GET', '/admin/secret/more', 'staff', 'admin'],
  ['GET', '/admin/users', 'staff', 'admin'],
  ['POST', '/admin/users', 'staff', 'admin'],
  ['OPTIONS', '/admin/users', 'none', 'missing_key'],
  ['GET', '/admin/users', 'admin', 'insufficient_scope'],
  ['GET', '/admin/users', 'bare', 'insufficient_scope'],
  ['GET', '/admin/Users', 'staff', 'admin'],
  ['GET', '/Admin/users', 'bare', ambiguous],
  ['GET', '/ADMIN/users', 'staff', ambiguous],
  ['GET', '/x', 'bare', 'all'],
  ['GET', '/', 'bare', 'all'],
  ['DELETE', '/x/y/z?q', 'odd', 'all'],
  ['GET', '/x/', 'bare', 'all'],
  ['GET', '/X', 'bare', 'all'],
  ['GET', '/caf%C3%A9', 'bare', 'all'],
  ['GET', '/x', 'none', 'missing_key'],
  ['GET', '/x', 'junk', 'invalid_key'],
  ['GET', '/...', 'bare', 'all'],
  ['GET', '/.well-known/x', 'bare', 'all'],
  ['GET', `/${'x'.repeat(5_000)}`, 'bare', 'all'],
  ['GET', `/admin/${'x'.repeat(5_000)}`, 'bare', 'insufficient_scope'],
  // The target in other forms.
  ['GET', 'http://gateway.test/admin/secret', 'admin', 'secret'],
  ['GET', 'http://gateway.test/admin/secret', 'staff', 'insufficient_scope'],
  ['GET', 'http://gateway.test//admin/secret', 'staff', ambiguous],
  ['GET', 'http://gateway.test/../admin/secret', 'staff', ambiguous],
  ['GET', 'HTTP://gateway.test/admin/secret', 'staff', 'insufficient_scope'],
  ['GET', 'https://gateway.test/admin/users', 'staff', 'admin'],
  ['GET', 'http://gateway.test', 'bare', 'all'],
  ['GET', 'http://gateway.test?x', 'bare', 'all'],
  ['GET', 'http://api.example.com/admin/secret', 'host', 'host'],
  ['GET', 'http://api.example.com/admin/secret', 'admin', 'insufficient_scope'],
  ['GET', 'http://gateway.test/host-only', 'bare', 'all', 'api.example.com'],
  ['GET', 'http://me@gateway.test/admin/secret', 'admin', 'bad_request'],
  ['GET', 'ftp://gateway.test/admin/secret', 'bare', 'bad_request'],
  ['GET', 'admin/secret', 'bare', 'bad_request'],
  ['OPTIONS', '*', 'bare', 'bad_request'],
  // Hosts.
  ['GET', '/admin/secret', 'host', 'host', 'api.example.com'],
  ['POST', '/admin/secret', 'host', 'host', 'api.example.com'],
  ['GET', '/admin/secret', 'host', 'host', 'API.Example.com:8080'],
  ['GET', '/admin/secret', 'host', 'host', 'api.example.com.'],
  ['GET', '/admin/secret', 'admin', 'insufficient_scope', 'api.example.com'],
  ['GET', '/admin/secret', 'host', 'insufficient_scope', 'api.example.com.evil.test'],
  ['PUT', '/admin/secret', 'host', 'method_not_allowed', 'api.example.com'],
  ['GET', '/host-only', 'host', 'host-only', 'api.example.com'],
  ['GET', '/host-only', 'bare', 'insufficient_scope', 'api.example.com'],
  ['GET', '/host-only', 'bare', 'all', 'other.example.com'],
  ['GET', '/admin/users', 'staff', 'admin', 'api.example.com'],
  // All of, any of, wildcards.
  ['GET', '/items/1', 'reader', 'read'],
  ['HEAD', '/items/1', 'reader', 'read'],
  ['GET', '/items/1', 'writer', 'insufficient_scope'],
  ['GET', '/items/1', 'items', 'read'],
  ['GET', '/items/1', 'odd', 'insufficient_scope'],
  ['PUT', '/items/1', 'both', 'write'],
  ['PUT', '/items/1', 'items', 'write'],
  ['PUT', '/items/1', 'all', 'write'],
  ['PUT', '/items/1', 'reader', 'insufficient_scope'],
  ['DELETE', '/items/1', 'writer', 'insufficient_scope'],
  ['POST', '/items/1', 'both', 'method_not_allowed'],
  ['GET', '/items/mine', 'mine', 'mine'],
  ['GET', '/items/mine', 'reader', 'insufficient_scope'],
  ['HEAD', '/items/mine', 'reader', 'method_not_allowed'],
  ['PUT', '/items/mine', 'both', 'method_not_allowed'],
  ['GET', '/items/Mine', 'reader', ambiguous],
  ['GET', '/items/m%69ne', 'reader', 'insufficient_scope'],
  ['GET', `/items/${'1'.repeat(500)}`, 'bare', 'insufficient_scope'],
  ['GET', '/items/1/', 'reader', ambiguous],
  ['GET', '/items/1/2', 'bare', 'all'],
  ['GET', '/any', 'a', 'any'],
  ['GET', '/any', 'b', 'any'],
  ['GET', '/any', 'ac', 'any'],
  ['GET', '/any', 'bare', 'insufficient_scope'],
  ['GET', '/any', 'items', 'insufficient_scope'],
  ['GET', '/both', 'ab', 'both'],
  ['GET', '/both', 'ac', 'both'],
  ['GET', '/both', 'all', 'both'],
  ['GET', '/both', 'a', 'insufficient_scope'],
  ['GET', '/both', 'bc', 'insufficient_scope'],
  // Public and reporting routes.
  ['GET', '/public', 'none', 'public'],
  ['GET', '/public', 'junk', 'public'],
  ['GET', '/public', 'bare', 'public'],
  ['POST', '/public', 'none', 'method_not_allowed'],
  ['HEAD', '/public', 'none', 'method_not_allowed'],
  ['GET', '/public/', 'none', ambiguous],
  ['GET', '/Public', 'none', ambiguous],
  ['GET', '/report', 'none', 'report'],
  ['GET', '/report', 'junk', 'report'],
  ['GET', '/report', 'bare', 'report'],
  ['GET', '/report', 'admin', 'report'],
  ['GET', '/report//', 'admin', ambiguous],
  ['GET', '/folder/', 'folder', 'slash'],
  ['GET', '/folder', 'folder', ambiguous],
  // The gateway's own corner, which no route serves.
  ['GET', '/-/secret', 'all', 'route_not_found'],
  ['GET', '/-/', 'all', 'route_not_found'],
  ['POST', '/-/live', 'all', 'method_not_allowed'],
]

const statuses: Record<string, number> = {
  bad_request: 400, ambiguous_path: 400, missing_key: 401, invalid_key: 401, insufficient_scope: 403, route_not_found: 404, method_not_allowed: 405,
}

t.test('every route, method and scope gives its verdict', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { config: `upstreams: { u: { targets: ["${upstream.url}"] } }\nroutes:${routes}` })
  const keys = new Map<Key, string>([['none', ''], ['junk', 'sk_live_junk']])
  for (const [name, scopes] of Object.entries(holdings)) {
    const { key, apiKey } = await gateway.createKey({ name })
    await gateway.database.pool.query('update api_keys set scopes = $2 where id = $1', [apiKey.id, scopes])
    keys.set(name as Key, key)
  }

  for (const [method, target, keyName, verdict, host = 'gateway.test'] of table) {
    const key = keys.get(keyName)!
    const row = `${method} ${target.slice(0, 60)} ${host} with ${keyName}`
    const seenBefore = upstream.seen.length
    gateway.logs.length = 0
    const { status, code } = await ask(gateway.url, { method, target, headers: [`Host: ${host}`, ...(key === '' ? [] : [`x-api-key: ${key}`])] })
    const seen = upstream.seen.slice(seenBefore)
    const expected = statuses[verdict]
    if (expected === undefined) {
      t.equal(status, 200, row)
      t.equal(seen.length, 1, `${row} is forwarded`)
      t.equal(seen[0]?.method, method)
      t.equal(seen[0]?.url, originForm(target), 'as it was sent')
      await until(() => routeLogged(gateway.logs) !== undefined, 'the request is logged')
      t.equal(routeLogged(gateway.logs), verdict, `${row} takes the route ${verdict}`)
    } else {
      t.equal(status, expected, row)
      // An answer to HEAD has no body that could tell.
      if (method !== 'HEAD') t.equal(code, verdict, row)
      t.same(seen, [], `${row} is not forwarded`)
    }
  }
})

function originForm (target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '')
  return path.startsWith('/') ? path : `/${path}`
}

function routeLogged (logs: readonly string[]): string | undefined {
  const lines = logs.map(line => JSON.parse(line) as { msg?: string, route?: string })
  return lines.find(({ msg }) => msg === 'request')?.route
}
