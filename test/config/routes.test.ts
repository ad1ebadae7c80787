import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { faultsOf, minimal } from './faults.ts'

/** Settings of a route with the path /one/two, and what their only fault says. */
const faulty: [string, RegExp][] = [
  ['upstream2: x', /unknown key "upstream2" in routes\[0\]: did you mean "upstream"\?/],
  ['rateLimit: { requests: 1, per: 1s }', /unknown key "rateLimit" in routes\[0\]: this version of Latchkey doesn't know it/],
  ['methods: []', /methods must not be empty/],
  ['methods: [GET, GET]', /methods lists this twice/],
  ['methods: GET', /methods must be a list/],
  ['methods: [Get]', /methods\[0\] must be a method in upper case/],
  ['methods: [DELET]', /unknown method "DELET": did you mean DELETE\?/],
  ['methods: [CONNECT]', /CONNECT is never forwarded: remove it/],
  ['methods: [TRACE]', /TRACE is never forwarded: remove it/],
  ['host: "http://a"', /host "http:\/\/a" must be a host name or an address/],
  ['host: "a:80"', /without scheme, port/],
  ['host: "*.a"', /host "\*\.a" must be/],
  ['host: "a."', /host "a\." must be/],
  ['host: "::1"', /host "::1" must be/],
  ['stripPrefix: /', /stripPrefix "\/" must be a literal leading part/],
  ['stripPrefix: /one/', /without a slash at its end/],
  ['stripPrefix: /on', /stripPrefix "\/on" must be/],
  ['stripPrefix: /One', /stripPrefix "\/One" must be/],
  ['stripPrefix: one', /stripPrefix must be a path that starts with \//],
  ['preserveHost: yes', /preserveHost must be true or false/],
  ['auth: jwt', /auth must be key or none or report/],
  ['auth: none, scopes: [a]', /a public route \(auth: none\) checks no scopes/],
  ['auth: none, scopes: { anyOf: [a] }', /a public route \(auth: none\) checks no scopes/],
  ['scopes: a', /scopes must be a list of scopes, or a map with allOf or anyOf/],
  ['scopes: ["a:*"]', /scopes\[0\] must be a scope/],
  ['scopes: ["*"]', /scopes\[0\] must be a scope/],
  ['scopes: [a, a]', /scopes lists this twice/],
  ['scopes: {}', /scopes must not be empty/],
  ['scopes: { allOf: [] }', /scopes.allOf must not be empty/],
  ['scopes: { anyOf: [A] }', /scopes.anyOf\[0\] must be a scope/],
  ['scopes: { oneOf: [a] }', /unknown key "oneOf" in routes\[0\].scopes: did you mean "anyOf"\?/],
  ['bodyBytesMax: lots', /bodyBytesMax must be a size/],
]
for (const [route, message] of faulty) {
  t.test(route, async (t) => {
    const faults = faultsOf(minimal({ route }))
    t.equal(faults.length, 1, faults.join('\n'))
    t.match(faults[0], message)
    t.match(faults[0], /^4:/)
  })
}

t.test('ids', async (t) => {
  const file = (id: string) => `upstreams: { a: { targets: [http://a] } }\nroutes: [{ id: ${id}, path: /, upstream: a }]`
  t.match(faultsOf(file('none')), [/route id "none" is what metrics call requests without a route/])
  t.match(faultsOf(file('"a b"')), [/routes\[0\].id must be a name/])
  t.match(faultsOf(file('7')), [/routes\[0\].id must be a name/])
  t.match(faultsOf(file('x'.repeat(65))), [/routes\[0\].id must be a name/])
})

t.test('what a route can say', async (t) => {
  const route = 'methods: [GET, M-SEARCH], host: API.Example.com, stripPrefix: /one, preserveHost: true, scopes: { allOf: [a], anyOf: [b, c] }, auth: report, bodyBytesMax: 1KiB'
  t.same(parseConfig(minimal({ route }), 'f').routes, [{
    id: 'one',
    path: '/one/two',
    methods: ['GET', 'M-SEARCH'],
    host: 'api.example.com',
    upstream: 'sample',
    stripPrefix: '/one',
    preserveHost: true,
    scopes: { allOf: ['a'], anyOf: ['b', 'c'] },
    auth: 'report',
    bodyBytesMax: 1024,
  }])
  t.same(faultsOf(minimal({ route: 'auth: none, scopes: []' })), [])
  t.same(faultsOf(minimal({ route: 'host: "[::1]", stripPrefix: /one/two' })), [])
})

t.test('what a route gets where it says nothing', async (t) => {
  t.same(parseConfig(minimal({ sections: 'gateway: { bodyBytesMax: 2KiB }' }), 'f').routes[0], {
    id: 'one',
    path: '/one/two',
    methods: null,
    host: null,
    upstream: 'sample',
    stripPrefix: null,
    preserveHost: false,
    scopes: { allOf: [], anyOf: [] },
    auth: 'key',
    bodyBytesMax: 2048,
  })
})
