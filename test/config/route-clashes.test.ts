import t from 'tap'
import { faultsOf } from './faults.ts'

function routes (...settings: string[]): string {
  const lines = settings.map((setting, index) => `  - { id: r${index}, upstream: a, ${setting} }`)
  return ['upstreams: { a: { targets: [http://a] } }', 'routes:', ...lines].join('\n')
}

const clashing: [string, string, RegExp][] = [
  ['path: /a', 'path: /a', /ACL "\/a" is already served by "\/a" of route "r0": give them different methods, or merge them/],
  ['path: /a, methods: [GET, POST]', 'path: /a, methods: [PUT, POST]', /POST "\/a" is already served/],
  ['path: /a', 'path: /a, methods: [GET]', /GET "\/a" is already served/],
  ['path: "/a/:x"', 'path: "/a/:y"', /is already served by "\/a\/:x" of route "r0"/],
  ['path: /a, host: b.example', 'path: /a, host: B.Example', /is already served/],
  ['path: /a', 'path: /A, methods: [GET]', /path "\/A" differs from "\/a" of route "r0" in case or a trailing slash only/],
  ['path: /a, methods: [GET]', 'path: /a/, methods: [POST]', /path "\/a\/" differs from "\/a"/],
  ['path: "/a/:x/"', 'path: "/A/:y"', /path "\/A\/:y" differs from "\/a\/:x\/"/],
  ['path: /a, host: b.example', 'path: /A', /path "\/A" differs from "\/a"/],
]
for (const [one, other, message] of clashing) {
  t.test(`${one} and ${other}`, async (t) => {
    const faults = faultsOf(routes(one, other))
    t.equal(faults.length, 1, faults.join('\n'))
    t.match(faults[0], message)
    t.match(faults[0], /^4:/)
  })
}

const fine: [string, string][] = [
  ['path: /a, methods: [GET]', 'path: /a, methods: [POST]'],
  ['path: /a', 'path: /a, host: b.example'],
  ['path: /a, host: b.example', 'path: /a, host: c.example'],
  ['path: /a, host: b.example', 'path: /A, host: c.example'],
  ['path: /a', 'path: "/a/*"'],
  ['path: "/a/:x"', 'path: "/a/*"'],
  ['path: "/a/:x"', 'path: "/a/x"'],
  ['path: "/a/:Id", methods: [GET]', 'path: "/a/:id", methods: [PUT]'],
]
for (const [one, other] of fine) t.same(faultsOf(routes(one, other)), [], `${one} and ${other}`)
